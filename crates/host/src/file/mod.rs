//! Files that others wrote: read within bounds.

mod read;

pub use read::{read_bounded, read_text};
