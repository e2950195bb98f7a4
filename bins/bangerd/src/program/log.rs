//! The daemon's log: a file of bounded size, or the terminal.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Mutex,
};

use tracing_subscriber::EnvFilter;

/// The name of the log in the state directory.
pub(crate) const FILE: &str = "bangerd.log";

/// The longest file, in bytes. A longer one becomes `bangerd.log.1`, in the place of the one before.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A file that makes room for itself.
#[derive(Debug)]
struct Rotating {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
}

impl Rotating {
    fn open(path: &Path, bytes_max: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, bytes, bytes_max })
    }
}

impl Write for Rotating {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(length) > self.bytes_max {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = Self::open(&self.path, self.bytes_max)?;
        }
        self.file.write_all(line)?;
        self.bytes += length;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Begins to log at `level`: to the terminal where stderr is one, else to `bangerd.log` in `dir`, else, where
/// there is none, to stderr in lines that are for the journal, which knows the time itself.
///
/// # Errors
///
/// The file cannot be opened.
pub(crate) fn start(dir: Option<&Path>, level: &str) -> io::Result<()> {
    // Of the libraries only what is wrong: they tell much that means nothing here.
    let ours =
        ["bangerd", "host", "vmm", "disk", "image", "store", "guest"].map(|it| format!("{it}={level}"));
    let filter = EnvFilter::new(format!("warn,{}", ours.join(",")));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    let set = match dir {
        _ if io::stderr().is_terminal() => builder.with_writer(io::stderr).try_init(),
        None => builder.with_ansi(false).without_time().with_writer(io::stderr).try_init(),
        Some(dir) => {
            let file = Rotating::open(&dir.join(FILE), FILE_BYTES_MAX)?;
            builder.with_ansi(false).with_writer(Mutex::new(file)).try_init()
        }
    };
    set.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_takes_twice_its_size_at_most_and_keeps_the_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for _ in 0..3 {
            let mut log = Rotating::open(&path, 100).unwrap();
            for line in 0..50 {
                log.write_all(format!("line {line}\n").as_bytes()).unwrap();
            }
        }
        let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 2);
        assert!(files.iter().all(|file| file.metadata().unwrap().len() <= 100));
        assert!(fs::read_to_string(path).unwrap().ends_with("line 48\nline 49\n"));
    }
}
