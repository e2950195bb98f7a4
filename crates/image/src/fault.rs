//! What can go wrong below images and kernels alike: files, programs, room.

use std::{
    io,
    path::{Path, PathBuf},
};

use model::Class;

/// Why work on files or with other programs failed. Nothing is left behind by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The caller asked the call to stop.
    #[error("it was cancelled")]
    Cancelled,
    /// The host lacks a program, a right or a key that can be had.
    #[error("this host lacks {what}")]
    HostLacks {
        /// What is missing, with what it is for.
        what: String,
        /// What to do about it, in a sentence.
        remedy: String,
    },
    /// A program ended with a failure.
    #[error("{program} failed ({status}){}", tail_text(tail))]
    Program {
        /// The program.
        program: String,
        /// How it ended: `exit status: 1`.
        status: String,
        /// The last lines that it wrote.
        tail: Vec<String>,
    },
    /// A program took longer than it may, and was ended.
    #[error("{program} did not end within {limit_secs} s{}", tail_text(tail))]
    TimedOut {
        /// The program.
        program: String,
        /// How long it may take, in seconds.
        limit_secs: u64,
        /// The last lines that it wrote.
        tail: Vec<String>,
    },
    /// The disk is full, or a quota is used up.
    #[error("there is no room left on the disk of {}", path.display())]
    NoRoom {
        /// The directory or file that was written.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was being done: `read`, `create`.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What came in could not be read: the sender went away, or a pipe broke.
    #[error("cannot read what is to be imported")]
    Input {
        /// What the system said.
        source: io::Error,
    },
    /// A record beside an image or a kernel cannot be understood.
    #[error("the record {} cannot be understood", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A record was written by a later release.
    #[error("the record {} was written by a later release (schema {schema})", path.display())]
    LaterRecord {
        /// The record.
        path: PathBuf,
        /// Its schema.
        schema: u32,
    },
}

/// The lines of a program's output that an error repeats.
pub(crate) const TAIL_LINES: usize = 20;

fn tail_text(tail: &[String]) -> String {
    // The error is one line; the last of the program's own is mostly the one that says why, but for an aside.
    let telling = tail.iter().rev().find(|line| line.starts_with("E:") || line.contains("rror"));
    let last = tail.iter().rev().find(|line| !line.trim_start().starts_with('('));
    match telling.or(last) {
        Some(line) => format!(": {}", line.trim()),
        None => String::new(),
    }
}

impl Fault {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Cancelled
            | Self::Program { .. }
            | Self::TimedOut { .. }
            | Self::NoRoom { .. }
            | Self::Io { .. }
            | Self::Input { .. } => Class::Failed,
            Self::HostLacks { .. } => Class::HostLacks,
            Self::LaterRecord { .. } => Class::Refused,
            Self::Record { .. } => Class::Bug,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::HostLacks { remedy, .. } => Some(remedy.clone()),
            Self::NoRoom { path } => {
                Some(format!("Free room on the disk of {}; `banger du` shows what could go.", path.display()))
            }
            Self::LaterRecord { .. } => Some("Update banger.".to_owned()),
            Self::Record { path, .. } => {
                Some(format!("Remove {} and make it anew.", path.parent().unwrap_or(path).display()))
            }
            Self::TimedOut { .. } => {
                Some("Try again; the network or the disk may have been slow.".to_owned())
            }
            Self::Cancelled | Self::Program { .. } | Self::Io { .. } | Self::Input { .. } => None,
        }
    }

    /// The last lines of the program that failed, oldest first; empty where none did.
    #[must_use]
    pub fn tail(&self) -> &[String] {
        match self {
            Self::Program { tail, .. } | Self::TimedOut { tail, .. } => tail,
            _ => &[],
        }
    }

    /// Takes what the system said while `doing` something to `path`.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        if is_no_room(&source) {
            Self::NoRoom { path: path.to_owned() }
        } else {
            Self::Io { doing, path: path.to_owned(), source }
        }
    }

    pub(crate) fn lacks(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::HostLacks { what: what.into(), remedy: remedy.into() }
    }
}

fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Takes an error of reading the input for a person to read: `None` where it repeats bytes of that, which may
/// be anything, or says no more than that it ends.
pub(crate) fn readable(error: io::Error) -> Option<io::Error> {
    let is_plain = |letter: char| !letter.is_control() && letter != char::REPLACEMENT_CHARACTER;
    let is_telling = error.kind() != io::ErrorKind::UnexpectedEof && error.to_string().chars().all(is_plain);
    is_telling.then_some(error)
}

/// Gives an [`io::Result`] its place: `fs::read(path).at("read", path)?`.
pub(crate) trait At<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, Fault>;
}

impl<T, E: Into<io::Error>> At<T> for Result<T, E> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, Fault> {
        self.map_err(|source| Fault::io(doing, path, source.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = Fault::io("write", Path::new("/x"), io::Error::from_raw_os_error(28));
        assert!(matches!(full, Fault::NoRoom { .. }));
        assert!(full.hint().is_some());
        let other = Fault::io("write", Path::new("/x"), io::Error::from_raw_os_error(5));
        assert_eq!(other.to_string(), "cannot write /x");
    }

    #[test]
    fn what_came_in_is_not_repeated_to_a_terminal() {
        assert!(readable(io::Error::other("no field 7")).is_some());
        for text in ["\u{1b}[2J", "bytes \u{fffd}", "a\0b"] {
            assert!(readable(io::Error::other(text)).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_failed_program_is_told_in_one_line() {
        let tail = ["I: x", "E: no such suite", "I: removing tempdir"].map(str::to_owned).to_vec();
        let fault =
            Fault::Program { program: "mmdebstrap".to_owned(), status: "exit status: 1".to_owned(), tail };
        assert_eq!(fault.to_string(), "mmdebstrap failed (exit status: 1): E: no such suite");
        assert_eq!(fault.tail().len(), 3);
        let tail = ["disk: RUN fsck MANUALLY.", "\t(i.e., without -a or -p options)"].map(str::to_owned);
        assert_eq!(tail_text(&tail), ": disk: RUN fsck MANUALLY.");
    }
}
