//! Which Firecracker the host has, and which jailer.

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use host::program::{self, ProgramError};
use model::Class;

use crate::elf;

const PROGRAM: &str = "firecracker";
const JAILER: &str = "jailer";
/// How long one may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// A version of Firecracker, and of the jailer that comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirecrackerVersion {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

impl FirecrackerVersion {
    /// The oldest that works: a distribution's kernel finds its devices by ACPI, which came with it (Firecracker,
    /// CHANGELOG.md).
    pub const MIN: Self = Self { major: 1, minor: 8, patch: 0 };

    /// The minor versions of major 1 that were tried. Others may work, and `doctor` says that they were not.
    pub const TRIED_MINORS: [u32; 2] = [16, 17];

    /// Whether this version was tried with this release.
    #[must_use]
    pub fn is_tried(self) -> bool {
        self.major == Self::MIN.major && Self::TRIED_MINORS.contains(&self.minor)
    }

    fn read(said: &str, word: &str) -> Option<Self> {
        let text = said.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(" v"))?;
        let text = text.split(|letter: char| !(letter.is_ascii_digit() || letter == '.')).next()?;
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let mut next = || parts.next().flatten();
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for FirecrackerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Why there is no Firecracker to use.
#[derive(Debug, thiserror::Error)]
pub enum FirecrackerError {
    /// None was found.
    #[error("{} is not installed", program.display())]
    Missing {
        /// What was looked for.
        program: PathBuf,
    },
    /// It cannot be read.
    #[error("{} cannot be read", program.display())]
    Unreadable {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It needs libraries, and in a jail there are none.
    #[error("{} is linked dynamically, and cannot run in a jail", program.display())]
    Dynamic {
        /// The program.
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
    #[error("{} says no version of {what}", program.display())]
    Other {
        /// The program.
        program: PathBuf,
        /// What it should be.
        what: &'static str,
    },
    /// It is too old.
    #[error("{} is version {version}, and {} is the oldest that works", program.display(), FirecrackerVersion::MIN)]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: FirecrackerVersion,
    },
    /// The two are not of one release.
    #[error("Firecracker is version {firecracker} and its jailer {jailer}")]
    NotOfOneRelease {
        /// Firecracker's.
        firecracker: FirecrackerVersion,
        /// The jailer's.
        jailer: FirecrackerVersion,
    },
}

impl FirecrackerError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::HostLacks
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Dynamic { .. } => {
                "Take the programs of a Firecracker release: they are linked statically.".to_owned()
            }
            _ => format!(
                "Install firecracker and jailer of one release, {} or newer, and name them as firecracker_bin and \
                 jailer_bin in /etc/banger/config.toml.",
                FirecrackerVersion::MIN
            ),
        })
    }
}

/// A Firecracker that can be used, with its jailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firecracker {
    /// The program, by an absolute path.
    pub program: PathBuf,
    /// The jailer, by an absolute path.
    pub jailer: PathBuf,
    /// Their version.
    pub version: FirecrackerVersion,
}

impl Firecracker {
    /// Finds Firecracker and its jailer: the configured ones, or else those on `PATH`, and asks for their
    /// versions. Blocks for some 10 ms.
    ///
    /// # Errors
    ///
    /// [`FirecrackerError`]; the user has to install something.
    pub fn find(configured: Option<&Path>, jailer: Option<&Path>) -> Result<Self, FirecrackerError> {
        let (program, jailer) = Self::locate(configured, jailer)?;
        Self::ask(program, jailer)
    }

    /// Says where Firecracker and its jailer are, and executes neither.
    ///
    /// # Errors
    ///
    /// [`FirecrackerError::Missing`].
    pub fn locate(
        configured: Option<&Path>,
        jailer: Option<&Path>,
    ) -> Result<(PathBuf, PathBuf), FirecrackerError> {
        let program = find(configured.unwrap_or(Path::new(PROGRAM)))?;
        Ok((program, find(jailer.unwrap_or(Path::new(JAILER)))?))
    }

    /// Asks the two for their versions. Their paths are absolute.
    ///
    /// # Errors
    ///
    /// As [`Firecracker::find`].
    pub fn ask(program: PathBuf, jailer: PathBuf) -> Result<Self, FirecrackerError> {
        let version = ask(&program, "Firecracker")?;
        if version < FirecrackerVersion::MIN {
            return Err(FirecrackerError::TooOld { program, version });
        }
        let of_jailer = ask(&jailer, "Jailer")?;
        if of_jailer != version {
            return Err(FirecrackerError::NotOfOneRelease { firecracker: version, jailer: of_jailer });
        }
        Ok(Self { program, jailer, version })
    }

    /// Names it, with its version: `Firecracker 1.17.0`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("Firecracker {}", self.version)
    }
}

fn find(wanted: &Path) -> Result<PathBuf, FirecrackerError> {
    let missing = || FirecrackerError::Missing { program: wanted.to_owned() };
    program::find(wanted.to_str().ok_or_else(missing)?).ok_or_else(missing)
}

fn ask(program: &Path, what: &'static str) -> Result<FirecrackerVersion, FirecrackerError> {
    let named = || program.to_owned();
    let is_static = File::open(program).and_then(|file| elf::is_static(&file));
    if !is_static.map_err(|source| FirecrackerError::Unreadable { program: named(), source })? {
        return Err(FirecrackerError::Dynamic { program: named() });
    }
    let said = program::run(program, &[OsString::from("--version")], Path::new("/"), VERSION_LIMIT);
    let said = said.map_err(|source| FirecrackerError::Unasked { program: named(), source })?;
    FirecrackerVersion::read(&said, what).ok_or_else(|| FirecrackerError::Other { program: named(), what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_two_say() {
        for (said, word, want) in [
            ("Firecracker v1.17.0-dev\n\n", "Firecracker", Some("1.17.0")),
            (
                "Firecracker v1.9.1\n\nSupported snapshot data format versions: v2.0.0\n",
                "Firecracker",
                Some("1.9.1"),
            ),
            ("Jailer v1.12.0\n", "Jailer", Some("1.12.0")),
            ("Jailer v1.12.0\n", "Firecracker", None),
            ("Firecracker 1.9.1\n", "Firecracker", None),
            ("Firecracker v1\n", "Firecracker", None),
            ("", "Jailer", None),
        ] {
            let read = FirecrackerVersion::read(said, word).map(|version| version.to_string());
            assert_eq!(read.as_deref(), want, "{said:?}");
        }
        let version = |major, minor| FirecrackerVersion { major, minor, patch: 0 };
        let tried = [version(1, 8), version(1, 16), version(1, 17), version(1, 18), version(2, 17)];
        assert_eq!(tried.map(FirecrackerVersion::is_tried), [false, true, true, false, false]);
    }

    #[test]
    fn what_cannot_be_used_is_told_apart() {
        let nowhere = Firecracker::find(Some(Path::new("/nowhere/firecracker")), None);
        assert!(matches!(nowhere, Err(FirecrackerError::Missing { .. })), "{nowhere:?}");
        // A program of this host, which is linked as programs are.
        let shell = Firecracker::ask("/proc/self/exe".into(), "/proc/self/exe".into()).unwrap_err();
        assert!(matches!(shell, FirecrackerError::Dynamic { .. }), "{shell}");
        assert!(shell.hint().unwrap().contains("statically"));
    }
}
