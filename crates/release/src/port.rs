//! Where an unpacked release goes.

use std::io::{self, Write};

use crate::FileName;

/// Takes the files of a release, one after the other. Modes, owners and what outlasts a power cut are its affair: the
/// archive has no say in them.
pub trait Sink {
    /// Takes one file's bytes.
    type File: Write;

    /// Begins the file `name`, which will hold `size_bytes`. Not idempotent: a name comes once.
    ///
    /// # Errors
    ///
    /// The file cannot be made; unpacking ends there.
    fn create(&mut self, name: &FileName, size_bytes: u64) -> io::Result<Self::File>;

    /// Ends the file `name`, all of whose bytes were written and are the right ones.
    ///
    /// # Errors
    ///
    /// The file cannot be kept; unpacking ends there.
    fn finish(&mut self, name: &FileName, file: Self::File) -> io::Result<()>;
}
