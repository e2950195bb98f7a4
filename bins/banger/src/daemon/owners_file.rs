//! The owner's own configuration beside a system install.
//!
//! What root acts on stands in `/etc/banger/config.toml` alone: in a file of the owner's, the owner would be
//! root. A key of that kind there is an error, so that nobody believes it has an effect.

use std::{fs, path::Path};

use host::dirs::{Dirs, Environment, Mode, SystemPaths};

use super::paths::{mode, uid};
use crate::fault::{Doing as _, Fault};

/// The keys that root acts on.
const KEYS_OF_ROOT: [&str; 7] =
    ["firecracker_bin", "jailer_bin", "jailer_enabled", "qemu_bin", "bridge_name", "subnet", "uid_base"];

/// Refuses where the owner of a system install, who runs this, set what root acts on. A file that is not there,
/// or is no TOML, is not looked at here.
pub(super) fn check(doing: &str) -> Result<(), Fault> {
    match mode(doing)? {
        Mode::System { record } if record.owner_uid == uid() => {}
        Mode::System { .. } | Mode::Embedded { .. } => return Ok(()),
    }
    let dirs = Dirs::embedded(&Environment::of_this_process()).doing(doing)?;
    let path = dirs.config().join("config.toml");
    match fs::read_to_string(&path).ok().as_deref().and_then(key_of_root) {
        Some(key) => Err(refused(&path, key, doing)),
        None => Ok(()),
    }
}

fn key_of_root(text: &str) -> Option<&'static str> {
    let table: toml::Table = text.parse().ok()?;
    KEYS_OF_ROOT.into_iter().find(|key| table.contains_key(*key))
}

fn refused(path: &Path, key: &str, doing: &str) -> Fault {
    let systems = SystemPaths::of_this_host().config().join("config.toml");
    Fault::usage(format!("{doing}: {}: {key} is not the owner's to set", path.display()))
        .hint(format!("Take it out, and have root put it into {}.", systems.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_root_are_found_and_others_are_not() {
        for (text, key) in [
            ("", None),
            ("accel = \"kvm\"", None),
            ("qemu_bin = \"/opt/qemu\"", Some("qemu_bin")),
            ("[vm_defaults]\nvcpu = 2", None),
            ("# subnet = 1\nbridge_name = \"br0\"", Some("bridge_name")),
            ("no toml", None),
        ] {
            assert_eq!(key_of_root(text), key, "{text:?}");
        }
    }
}
