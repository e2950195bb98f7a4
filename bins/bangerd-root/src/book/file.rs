//! The book's file: written whole, synced, renamed into place, its directory synced.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use network::Leases;

use super::BookError;

/// The longest book that is read, in bytes: 65,536 leases of some 200 bytes.
const BOOK_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Reads the book; `None` where there is none yet.
pub(super) fn read(path: &Path) -> Result<Option<Leases>, BookError> {
    let unreadable = |source| BookError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    let mut bytes = vec![];
    file.take(BOOK_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    let book = serde_json::from_slice(&bytes);
    book.map(Some).map_err(|source| BookError::NotABook { path: path.to_owned(), source })
}

/// Writes the book. A reader finds the old one or the new one, also after a power cut.
pub(super) fn write(path: &Path, book: &Leases) -> Result<(), BookError> {
    let bytes = serde_json::to_vec_pretty(book)
        .map_err(|source| BookError::NotABook { path: path.to_owned(), source })?;
    let new = path.with_extension("json.new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    write().map_err(|source| BookError::Unwritable { path: path.to_owned(), source })
}
