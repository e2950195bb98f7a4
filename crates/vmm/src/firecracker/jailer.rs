//! What the jailer is started with (Firecracker, docs/jailer.md).

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use vm::layout;

use crate::firecracker::Firecracker;

/// Where a machine's jail lies below the directory that the jailer is given: what Firecracker sees as `/`.
#[must_use]
pub fn chroot(base: &Path, firecracker: &Firecracker, id: &str) -> PathBuf {
    base.join(firecracker.program.file_name().unwrap_or_default()).join(id).join("root")
}

/// Returns the jailer's arguments for a machine whose [`chroot`] below `base` holds all that it needs.
///
/// Neither `--daemonize` nor `--new-pid-ns`: under systemd the machine, or its SIGTERM, would be lost. No control
/// group is named, so it stays in its unit's.
#[must_use]
pub fn jailer_arguments(base: &Path, firecracker: &Firecracker, id: &str, uid: u32) -> Vec<OsString> {
    let uid = uid.to_string();
    let mut args: Vec<OsString> = vec!["--id".into(), id.into(), "--exec-file".into()];
    args.push(firecracker.program.clone().into());
    args.extend(["--uid", &uid, "--gid", &uid, "--cgroup-version", "2", "--chroot-base-dir"].map(Into::into));
    args.push(base.into());
    args.extend(["--", "--no-api", "--config-file", layout::FIRECRACKER_CONFIG].map(Into::into));
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firecracker::FirecrackerVersion;

    #[test]
    fn the_jailer_is_told_who_and_where_and_stays_the_process_that_it_is() {
        let firecracker = Firecracker {
            program: "/opt/firecracker".into(),
            jailer: "/opt/jailer".into(),
            version: FirecrackerVersion::MIN,
        };
        let base = Path::new("/jails");
        assert_eq!(
            jailer_arguments(base, &firecracker, "000102fdfeff", 70_000).join(std::ffi::OsStr::new(" ")),
            "--id 000102fdfeff --exec-file /opt/firecracker --uid 70000 --gid 70000 --cgroup-version 2 \
             --chroot-base-dir /jails -- --no-api --config-file firecracker.json"
        );
        let root = chroot(base, &firecracker, "000102fdfeff");
        assert_eq!(root, Path::new("/jails/firecracker/000102fdfeff/root"));
    }
}
