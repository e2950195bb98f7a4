//! What is remembered of whether KVM truly works.
//!
//! A `/dev/kvm` that opens proves nothing: some hosts offer one that creates a machine and then never
//! runs a stock kernel. Only a boot of the very kernel tells (`vmm::probe`). What it told holds for one
//! boot of the host, one kernel and one version of the monitor, and is kept here.

use std::{fs::File, io, path::Path};

use model::{BootId, Digest};
use serde::{Deserialize, Serialize};

use super::remember;

const FILE: &str = "kvm.json";
const DEVICE: &str = "/dev/kvm";
/// Verdicts kept at once: the kernels that one host uses between two of its boots.
const VERDICTS_MAX: usize = 16;

/// What a verdict holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvmKey {
    /// The boot of the host.
    pub host_boot: BootId,
    /// The kernel that was booted.
    pub kernel: Digest,
    /// The monitor and its version, as it names itself.
    pub monitor: String,
}

/// Whether KVM truly works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvmVerdict {
    /// The kernel came up and powered off again.
    Usable,
    /// It did not.
    NotUsable {
        /// Why, for a person.
        why: String,
    },
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    verdicts: Vec<(KvmKey, KvmVerdict)>,
}

/// Says why KVM cannot work here, as far as opening its device tells; `None` where only a boot tells.
#[must_use]
pub fn obstacle() -> Option<String> {
    match File::options().read(true).write(true).open(DEVICE) {
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(format!("{DEVICE} is not there")),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Some(format!("you may not open {DEVICE} (being in the group kvm usually allows it)"))
        }
        Err(error) => Some(format!("{DEVICE} cannot be opened: {error}")),
    }
}

/// Looks up a verdict in the state directory.
#[must_use]
pub fn recall(state_dir: &Path, key: &KvmKey) -> Option<KvmVerdict> {
    let known: Remembered = remember::recall(&state_dir.join(FILE))?;
    known.verdicts.into_iter().find(|(of, _)| of == key).map(|(_, verdict)| verdict)
}

/// Keeps a verdict in the state directory. Verdicts of other boots of the host go.
///
/// # Errors
///
/// The system's, where the file cannot be written; the verdict is then found out again next time.
pub fn remember(state_dir: &Path, key: &KvmKey, verdict: &KvmVerdict) -> io::Result<()> {
    let file = state_dir.join(FILE);
    let known: Remembered = remember::recall(&file).unwrap_or_default();
    let others = known.verdicts.into_iter().filter(|(of, _)| of.host_boot == key.host_boot && of != key);
    let verdicts = std::iter::once((key.clone(), verdict.clone())).chain(others).take(VERDICTS_MAX).collect();
    remember::remember(&file, &Remembered { verdicts })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(boot: char, kernel: u8) -> KvmKey {
        KvmKey {
            host_boot: format!("{boot}f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11").parse().unwrap(),
            kernel: Digest::from_bytes([kernel; 32]),
            monitor: "QEMU 7.2.22".to_owned(),
        }
    }

    #[test]
    fn a_verdict_holds_for_one_boot_one_kernel_one_monitor() {
        let dir = tempfile::tempdir().unwrap();
        let no = KvmVerdict::NotUsable { why: "it printed nothing".to_owned() };
        assert_eq!(recall(dir.path(), &key('0', 1)), None);
        remember(dir.path(), &key('0', 1), &no).unwrap();
        remember(dir.path(), &key('0', 2), &KvmVerdict::Usable).unwrap();
        assert_eq!(recall(dir.path(), &key('0', 1)), Some(no));
        assert_eq!(recall(dir.path(), &key('0', 2)), Some(KvmVerdict::Usable));
        assert_eq!(recall(dir.path(), &key('1', 1)), None);
        let newer = KvmKey { monitor: "QEMU 10.0.0".to_owned(), ..key('0', 1) };
        assert_eq!(recall(dir.path(), &newer), None);

        remember(dir.path(), &key('1', 1), &KvmVerdict::Usable).unwrap();
        assert_eq!(recall(dir.path(), &key('0', 1)), None, "an earlier boot's verdicts go");
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(recall(dir.path(), &key('1', 1)), None);
        remember(dir.path(), &key('1', 1), &KvmVerdict::Usable).unwrap();
        let left = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(left, 1, "nothing is left beside the file");
    }
}
