//! Which QEMU the host has.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use host::program::{self, ProgramError};
use model::Class;

const PROGRAM: &str = "qemu-system-x86_64";
/// How long QEMU may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// A version of QEMU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QemuVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

impl QemuVersion {
    /// The oldest that works: it has what [`crate::qemu::arguments()`] says, and was tried.
    pub const MIN: Self = Self { major: 7, minor: 2, patch: 0 };

    /// The first major version that was not tried. It may work, and `doctor` says that it was not tried.
    pub const UNTRIED_MAJOR: u32 = 8;

    /// Whether this version was tried with this release.
    #[must_use]
    pub fn is_tried(self) -> bool {
        self >= Self::MIN && self.major < Self::UNTRIED_MAJOR
    }

    fn read(said: &str) -> Option<Self> {
        let text = said.lines().find_map(|line| line.strip_prefix("QEMU emulator version "))?;
        let text = text.split(|letter: char| !(letter.is_ascii_digit() || letter == '.')).next()?;
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let mut next = || parts.next().flatten();
        Some(Self { major: next()?, minor: next()?, patch: next().unwrap_or(0) })
    }
}

impl fmt::Display for QemuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Why there is no QEMU to use.
#[derive(Debug, thiserror::Error)]
pub enum QemuError {
    /// None was found.
    #[error("{} is not installed", program.display())]
    Missing {
        /// What was looked for.
        program: PathBuf,
    },
    /// It cannot be asked for its version.
    #[error("{} does not say its version", program.display())]
    Unasked {
        /// The program.
        program: PathBuf,
        /// What went wrong.
        source: ProgramError,
    },
    /// It is something else.
    #[error("{} says no version of QEMU", program.display())]
    NotQemu {
        /// The program.
        program: PathBuf,
    },
    /// It is too old.
    #[error("{} is version {version}, and {} is the oldest that works", program.display(), QemuVersion::MIN)]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: QemuVersion,
    },
}

impl QemuError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::HostLacks
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(format!(
            "Install QEMU {} or newer (package qemu-system-x86), or name yours as qemu_bin in config.toml.",
            QemuVersion::MIN
        ))
    }
}

/// A QEMU that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qemu {
    /// The program, by an absolute path.
    pub program: PathBuf,
    /// Its version.
    pub version: QemuVersion,
    /// Whether it can give up system calls that it does not need (`-sandbox`).
    pub has_sandbox: bool,
}

impl Qemu {
    /// Finds QEMU: the configured one, or else the one on `PATH`, and asks for its version. Blocks for
    /// some 30 ms.
    ///
    /// # Errors
    ///
    /// [`QemuError`]; the user has to install something.
    pub fn find(configured: Option<&Path>) -> Result<Self, QemuError> {
        let wanted = configured.unwrap_or(Path::new(PROGRAM));
        let missing = || QemuError::Missing { program: wanted.to_owned() };
        let program = program::find(wanted.to_str().ok_or_else(missing)?).ok_or_else(missing)?;
        let ask = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(Into::into).collect();
            program::run(&program, &args, Path::new("/"), VERSION_LIMIT)
        };
        let said =
            ask(&["--version"]).map_err(|source| QemuError::Unasked { program: program.clone(), source })?;
        let version =
            QemuVersion::read(&said).ok_or_else(|| QemuError::NotQemu { program: program.clone() })?;
        if version < QemuVersion::MIN {
            return Err(QemuError::TooOld { program, version });
        }
        // One that was built without it says so before it comes to the version.
        let has_sandbox = ask(&["-sandbox", "on", "--version"]).is_ok();
        Ok(Self { program, version, has_sandbox })
    }

    /// Names it, with its version: `QEMU 7.2.22`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("QEMU {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn versions_are_read_from_what_qemu_says() {
        for (said, want) in [
            ("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright (c)\n", Some("7.2.22")),
            ("QEMU emulator version 10.0.2\n", Some("10.0.2")),
            ("QEMU emulator version 9.1.50 (v9.1.0-1-g123)\n", Some("9.1.50")),
            ("QEMU emulator version 8.2\n", Some("8.2.0")),
            ("warning: x\nQEMU emulator version 8.0.0-rc1\n", Some("8.0.0")),
            ("busybox 1.0\n", None),
            ("QEMU emulator version x\n", None),
            ("", None),
        ] {
            let read = QemuVersion::read(said).map(|version| version.to_string());
            assert_eq!(read.as_deref(), want, "{said:?}");
        }
        let version = |major, minor| QemuVersion { major, minor, patch: 0 };
        assert_eq!(
            [version(7, 1), version(7, 2), version(8, 0)].map(QemuVersion::is_tried),
            [false, true, false]
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let tool = |script: &str| {
            let path = dir.path().join("qemu");
            fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            Qemu::find(Some(&path))
        };
        assert!(matches!(Qemu::find(Some(Path::new("/nowhere/qemu"))), Err(QemuError::Missing { .. })));
        assert!(matches!(tool("exit 1"), Err(QemuError::Unasked { .. })));
        assert!(matches!(tool("echo hello"), Err(QemuError::NotQemu { .. })));
        let old = tool("echo QEMU emulator version 5.2.0").unwrap_err();
        assert!(
            old.to_string().ends_with("qemu is version 5.2.0, and 7.2.0 is the oldest that works"),
            "{old}"
        );
        let plain = tool("[ $1 = --version ] && echo QEMU emulator version 9.0.0").unwrap();
        assert_eq!((plain.name().as_str(), plain.has_sandbox), ("QEMU 9.0.0", false));
    }
}
