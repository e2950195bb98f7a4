//! Reading a file that a person named.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

/// Reads a file of at most `bytes_max`, and nothing but a file: a pipe would be waited for.
///
/// # Errors
///
/// The system's; [`io::ErrorKind::InvalidInput`] where it is no file, [`io::ErrorKind::FileTooLarge`] where it is
/// longer.
pub fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut bytes = vec![];
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > bytes_max {
        let why = format!("it is longer than {} KiB", bytes_max / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// Reads a file of text of at most `bytes_max`; `None` where there is none.
///
/// # Errors
///
/// As [`read_bounded`], and [`io::ErrorKind::InvalidData`] where it is no UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<Option<String>> {
    let bytes = match read_bounded(path, bytes_max) {
        // A directory of the path that is a file has no file below it.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        bytes => bytes?,
    };
    let no_text = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no text (UTF-8)");
    String::from_utf8(bytes).map(Some).map_err(no_text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_read_up_to_a_limit_and_nothing_but_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, [7; 1024]).unwrap();
        assert_eq!(read_bounded(&path, 1024).unwrap().len(), 1024);
        let too_long = read_bounded(&path, 1023).unwrap_err();
        assert_eq!(too_long.kind(), io::ErrorKind::FileTooLarge);
        assert!(read_bounded(dir.path(), 1024).is_err());
        assert!(read_bounded(&dir.path().join("none"), 1024).is_err());
        // Nobody writes to it, and nobody ever will.
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert_eq!(read_bounded(&pipe, 1024).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_text_that_is_not_there_is_none_and_bytes_are_no_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        assert_eq!(read_text(&path, 10).unwrap(), None);
        fs::write(&path, "ä").unwrap();
        assert_eq!(read_text(&path, 10).unwrap().as_deref(), Some("ä"));
        assert_eq!(read_text(&path.join("below"), 10).unwrap(), None);
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path, 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
