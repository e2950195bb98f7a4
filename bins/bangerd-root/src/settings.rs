//! The keys of `/etc/banger/config.toml` that root acts on.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use model::Class;
use network::{IfName, SubnetChoice};
use serde::Deserialize;

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Bits that let others than root write.
const OTHERS_WRITE: u32 = 0o022;

/// The bridge, where the configuration names none.
const BRIDGE: &str = "banger0";

/// What root was told. Read by root itself, from root's own file: the owner has no say in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// QEMU; `None` looks on `PATH`.
    pub qemu_bin: Option<PathBuf>,
    /// Firecracker; `None` looks on `PATH`.
    pub firecracker_bin: Option<PathBuf>,
    /// Its jailer; `None` looks on `PATH`.
    pub jailer_bin: Option<PathBuf>,
    /// Whether Firecracker may be launched: it is, under its jailer, or not at all.
    pub jailer_enabled: bool,
    /// The bridge.
    pub bridge: IfName,
    /// The machines' network.
    pub subnet: SubnetChoice,
    /// The first of the users' numbers that machines get; `None` looks for 65,536 that nobody has.
    pub uid_base: Option<u32>,
}

/// Why root's configuration is not acted on.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than root may write it.
    #[error("{} is not root's alone to write", path.display())]
    NotRoots {
        /// Which.
        path: PathBuf,
    },
    /// It says something that is not understood.
    #[error("{} is not understood: {why}", path.display())]
    Bad {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl SettingsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreadable { .. } | Self::Bad { .. } => Class::Failed,
            Self::NotRoots { .. } => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotRoots { path } => {
                format!("chown root:root {0}; chmod 644 {0}", path.display())
            }
            Self::Unreadable { path, .. } | Self::Bad { path, .. } => {
                format!("Edit {} as root.", path.display())
            }
        })
    }
}

/// The keys that are read here; the others are the daemon's, which also finds those that nobody knows.
#[derive(Debug, Default, Deserialize)]
struct Keys {
    qemu_bin: Option<String>,
    firecracker_bin: Option<String>,
    jailer_bin: Option<String>,
    jailer_enabled: Option<bool>,
    bridge_name: Option<IfName>,
    subnet: Option<SubnetChoice>,
    uid_base: Option<u32>,
}

impl Settings {
    /// Reads the file. One that is not there says nothing.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]; nothing is then done by halves of it.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let keys = match text(path)? {
            None => Keys::default(),
            Some(text) => {
                toml::from_str(&text).map_err(|error| bad(path, &error.message().replace('\n', ", ")))?
            }
        };
        let program = |key: &str, value: Option<&str>| match value {
            None | Some("auto") => Ok(None),
            Some(program) if program.starts_with('/') => Ok(Some(PathBuf::from(program))),
            Some(_) => Err(bad(path, &format!("{key} must be auto, or a path from the root"))),
        };
        let bridge = match keys.bridge_name {
            Some(bridge) => bridge,
            None => BRIDGE.parse().map_err(|_| bad(path, "bridge_name is missing"))?,
        };
        Ok(Self {
            qemu_bin: program("qemu_bin", keys.qemu_bin.as_deref())?,
            firecracker_bin: program("firecracker_bin", keys.firecracker_bin.as_deref())?,
            jailer_bin: program("jailer_bin", keys.jailer_bin.as_deref())?,
            jailer_enabled: keys.jailer_enabled.unwrap_or(true),
            bridge,
            subnet: keys.subnet.unwrap_or_default(),
            uid_base: keys.uid_base,
        })
    }
}

fn bad(path: &Path, why: &str) -> SettingsError {
    SettingsError::Bad { path: path.to_owned(), why: why.to_owned() }
}

fn text(path: &Path) -> Result<Option<String>, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(unreadable)?,
    };
    let meta: fs::Metadata = file.metadata().map_err(unreadable)?;
    if meta.uid() != 0 || meta.mode() & OTHERS_WRITE != 0 {
        return Err(SettingsError::NotRoots { path: path.to_owned() });
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB")));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn read(text: &str, mode: u32) -> Result<Settings, SettingsError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Settings::read(&path)
    }

    #[test]
    fn what_root_was_told_is_read_and_the_daemons_keys_are_passed_over() {
        let settings = read(
            "log_level = \"debug\"\nqemu_bin = \"/opt/qemu\"\nfirecracker_bin = \"/opt/fc\"\njailer_enabled = false\nbridge_name = \"br9\"\nsubnet = \"10.9.0.0/16\"\n\
             uid_base = 700000\n[vm_defaults]\nvcpu = 2\n",
            0o644,
        )
        .unwrap();
        assert_eq!(settings.qemu_bin.as_deref(), Some(Path::new("/opt/qemu")));
        assert_eq!((settings.bridge.as_str(), settings.uid_base), ("br9", Some(700_000)));
        assert_eq!(settings.firecracker_bin.as_deref(), Some(Path::new("/opt/fc")));
        assert_eq!((settings.jailer_bin, settings.jailer_enabled), (None, false));
        let absent = Settings::read(Path::new("/nowhere/config.toml")).unwrap();
        assert_eq!((absent.bridge.as_str(), absent.qemu_bin), ("banger0", None));
    }

    #[test]
    fn what_others_may_write_or_what_makes_no_sense_is_not_acted_on() {
        for (text, mode) in [
            ("", 0o666),
            ("", 0o664),
            ("qemu_bin = \"qemu\"", 0o644),
            ("qemu_bin = 1", 0o644),
            ("firecracker_bin = \"firecracker\"", 0o644),
            ("jailer_bin = \"./jailer\"", 0o644),
            ("jailer_enabled = \"no\"", 0o644),
            ("bridge_name = \"a b\"", 0o644),
            ("bridge_name = \"../x\"", 0o644),
            ("subnet = \"8.8.8.0/24\"", 0o644),
            ("uid_base = -1", 0o644),
            ("[", 0o644),
        ] {
            assert!(read(text, mode).is_err(), "{text:?} {mode:o}");
        }
    }
}
