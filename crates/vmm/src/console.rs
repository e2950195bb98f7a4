//! What the guest printed: `console.log` in the machine's directory, of all its boots.
//!
//! QEMU appends to it, so it may be cut at any time; [`trim`] does, or a guest could fill the host's disk.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use vm::layout::{CONSOLE_LOG, CONSOLE_LOG_OLD};

/// How long the log may become before [`trim`] sets it aside, in bytes.
pub const CONSOLE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// What is read at once, in bytes.
const READ_BYTES_MAX: u64 = 256 * 1024;

/// A place in the console's log, from which reading goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(u64);

/// Returns the end of the log now. It grows with every line; that it differs is all that the boot guard
/// needs to see.
///
/// # Errors
///
/// The system's. A log that is not there yet is empty.
pub fn end(dir: &Path) -> io::Result<Mark> {
    match fs::metadata(dir.join(CONSOLE_LOG)) {
        Ok(meta) => Ok(Mark(meta.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Mark(0)),
        Err(error) => Err(error),
    }
}

/// Reads on from a mark, at most 256 KiB, and returns the next mark; no bytes where there are none yet.
/// Where the log was cut meanwhile, reading goes on at its beginning.
///
/// # Errors
///
/// The system's. A log that is not there yet is empty.
pub fn read(dir: &Path, from: Mark) -> io::Result<(Vec<u8>, Mark)> {
    let mut file = match File::open(dir.join(CONSOLE_LOG)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((vec![], Mark(0))),
        opened => opened?,
    };
    let from = if file.metadata()?.len() < from.0 { 0 } else { from.0 };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![];
    let read = file.take(READ_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok((bytes, Mark(from.saturating_add(u64::try_from(read).unwrap_or(0)))))
}

/// Returns the last lines of what was printed since a mark, at most `lines`, without what terminals act on:
/// what an error shows of a boot that failed.
///
/// # Errors
///
/// As [`read`].
pub fn last_lines(dir: &Path, since: Mark, lines: usize) -> io::Result<Vec<String>> {
    let start = end(dir)?.0.saturating_sub(READ_BYTES_MAX / 8);
    let (bytes, _) = read(dir, Mark(start.max(since.0)))?;
    let text: String = String::from_utf8_lossy(&bytes)
        .chars()
        .filter(|letter| *letter == '\n' || !letter.is_control())
        .collect();
    let all: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(all.iter().skip(all.len().saturating_sub(lines)).map(|line| (*line).to_owned()).collect())
}

/// Sets the log aside as `console.log.1` where it is longer than `bytes_max`, and begins it anew. What the
/// guest prints in the moment between may be lost.
///
/// # Errors
///
/// The system's; the log is then as it was.
pub fn trim(dir: &Path, bytes_max: u64) -> io::Result<()> {
    if end(dir)?.0 <= bytes_max {
        return Ok(());
    }
    let (log, spare) = (dir.join(CONSOLE_LOG), dir.join("console.log.new"));
    // Not renamed: QEMU holds the file, and would go on writing to the one set aside.
    let copied = fs::copy(&log, &spare).and_then(|_| fs::rename(&spare, dir.join(CONSOLE_LOG_OLD)));
    if let Err(error) = copied {
        let _not_there = fs::remove_file(&spare);
        return Err(error);
    }
    File::options().write(true).open(&log)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn print(dir: &Path, text: &str) {
        let path = dir.join(CONSOLE_LOG);
        File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn reading_goes_on_where_it_was_and_begins_again_after_a_cut() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), Mark::default()).unwrap(), (vec![], Mark(0)));
        print(dir.path(), "one\n");
        let (bytes, mark) = read(dir.path(), Mark::default()).unwrap();
        assert_eq!(bytes, b"one\n");
        assert_eq!(mark, end(dir.path()).unwrap());
        print(dir.path(), "two\n");
        assert_ne!(mark, end(dir.path()).unwrap());
        let (bytes, mark) = read(dir.path(), mark).unwrap();
        assert_eq!(bytes, b"two\n");
        assert_eq!(read(dir.path(), mark).unwrap(), (vec![], mark));

        trim(dir.path(), 100).unwrap();
        assert_eq!(end(dir.path()).unwrap(), mark, "short enough to stay");
        trim(dir.path(), 5).unwrap();
        print(dir.path(), "3\n");
        assert_eq!(read(dir.path(), mark).unwrap().0, b"3\n");
        assert_eq!(fs::read(dir.path().join(CONSOLE_LOG_OLD)).unwrap(), b"one\ntwo\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn the_last_lines_are_plain_text() {
        let dir = tempfile::tempdir().unwrap();
        print(dir.path(), "an earlier boot\n");
        let since = end(dir.path()).unwrap();
        print(dir.path(), "a\r\n\u{1b}[31mred\u{1b}[0m\n\n\u{7}last");
        let lines = |count| last_lines(dir.path(), since, count).unwrap();
        assert_eq!(lines(9), ["a", "[31mred[0m", "last"]);
        assert_eq!(lines(1), ["last"]);
        assert_eq!(lines(0), [""; 0]);
        fs::write(dir.path().join(CONSOLE_LOG), b"\xff\xfe\nx\n").unwrap();
        assert_eq!(last_lines(dir.path(), Mark(0), 1).unwrap(), ["x"]);
    }
}
