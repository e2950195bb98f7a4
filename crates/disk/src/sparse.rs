//! Copies that leave out what is empty.

use std::{
    fs::File,
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{SeekFrom, copy_file_range, seek};

/// What is copied between two looks at whether to go on, in bytes.
const CHUNK_BYTES: u64 = 16 * 1024 * 1024;

/// Whether to go on. Shared between the one who works and the one who may change his mind.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Asks for an end; it comes within some milliseconds.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether an end was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Copies what `from` holds to the same places in the empty file `to`, and gives it the same length.
/// Holes stay holes. Returns whether it was done: not if it was cancelled.
pub(crate) fn copy(from: &File, to: &File, cancel: &Cancel) -> io::Result<bool> {
    let len = from.metadata()?.len();
    to.set_len(len)?;
    let mut at = 0;
    while let Some((start, end)) = next_data(from, at, len)? {
        at = start;
        while at < end {
            if cancel.is_cancelled() {
                return Ok(false);
            }
            at += copy_chunk(from, to, at, (end - at).min(CHUNK_BYTES))?;
        }
    }
    Ok(true)
}

/// The next range with data from `at` on.
fn next_data(from: &File, at: u64, len: u64) -> io::Result<Option<(u64, u64)>> {
    if at >= len {
        return Ok(None);
    }
    let start = match seek(from, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(rustix::io::Errno::NXIO) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let end = seek(from, SeekFrom::Hole(start))?.min(len);
    Ok((start < end).then_some((start, end)))
}

fn copy_chunk(from: &File, to: &File, at: u64, len: u64) -> io::Result<u64> {
    let (mut off_in, mut off_out) = (at, at);
    let len_now = usize::try_from(len).unwrap_or(usize::MAX);
    match copy_file_range(from, Some(&mut off_in), to, Some(&mut off_out), len_now) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(copied) => Ok(u64::try_from(copied).unwrap_or(0)),
        // Two file systems that cannot do it between them.
        Err(rustix::io::Errno::XDEV | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INVAL) => {
            copy_through_memory(from, to, at, len)
        }
        Err(errno) => Err(errno.into()),
    }
}

fn copy_through_memory(from: &File, to: &File, at: u64, len: u64) -> io::Result<u64> {
    use std::os::unix::fs::FileExt;
    const BYTES_MAX: u64 = 1024 * 1024;
    let mut buffer = vec![0; usize::try_from(len.min(BYTES_MAX)).unwrap_or(0)];
    from.read_exact_at(&mut buffer, at)?;
    to.write_all_at(&buffer, at)?;
    Ok(u64::try_from(buffer.len()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn holey() -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(200 * MIB).unwrap();
        for at in [0, 7 * MIB, 100 * MIB, 200 * MIB - 3] {
            file.write_all_at(b"abc", at).unwrap();
        }
        file
    }

    fn bytes(file: &File) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn a_copy_has_the_bytes_and_the_holes() {
        let (from, to) = (holey(), tempfile::tempfile().unwrap());
        assert!(copy(&from, &to, &Cancel::default()).unwrap());
        assert!(bytes(&from) == bytes(&to));
        assert!(to.metadata().unwrap().blocks() * 512 < MIB);
    }

    #[test]
    fn files_of_nothing_and_of_holes_alone_are_copied() {
        for len in [0, 1, 5 * MIB] {
            let (from, to) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
            from.set_len(len).unwrap();
            assert!(copy(&from, &to, &Cancel::default()).unwrap());
            assert_eq!(to.metadata().unwrap().len(), len);
        }
    }

    #[test]
    fn through_memory_it_is_the_same() {
        let (from, to) = (holey(), tempfile::tempfile().unwrap());
        let mut at = 6 * MIB;
        while at < 9 * MIB {
            at += copy_through_memory(&from, &to, at, 9 * MIB - at).unwrap();
        }
        let mut abc = [0; 3];
        to.read_exact_at(&mut abc, 7 * MIB).unwrap();
        assert_eq!(&abc, b"abc");
    }

    #[test]
    fn a_cancelled_copy_says_so() {
        let cancel = Cancel::default();
        cancel.cancel();
        assert!(!copy(&holey(), &tempfile::tempfile().unwrap(), &cancel).unwrap());
    }
}
