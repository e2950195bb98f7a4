//! What an emulated computer starts from: a disk, a kernel, an initramfs, and the key that opens it.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    STATE, root,
    state::{self, remove, run},
};
use crate::{cache::once, place};

/// What a computer has that a container does not need.
const PACKAGES: [&str; 3] = ["initramfs-tools", "linux-image-cloud-amd64", "zstd"];

/// As large as it can become; what is not written takes no room.
const SIZE: &str = "16G";

/// Modules that nothing else would load before they are looked for.
const MODULES: &str = "dm_snapshot\nkvm_amd\ntun\nvhost_vsock\n";

/// Where a part of it is.
pub(super) fn part(name: &str) -> PathBuf {
    place::cache().join("inside").join(name)
}

/// Makes all of it, unless it is there and of the same parts.
pub(super) fn prepare() {
    let tree = part("computer-root");
    state::prepare();
    root::prepare(&tree, &PACKAGES);
    let mark = part("disk.made");
    once(&mark, &(root::key(&PACKAGES) + MODULES + &state::key()), || {
        eprintln!("smoke: making the disk of an emulated computer");
        let _not_made_any_more = fs::remove_file(&mark);
        let made = set_up(&tree);
        made.unwrap_or_else(|error| panic!("set up {}: {error}", tree.display()));
        let below = tree.join(STATE.trim_start_matches('/'));
        remove(&below);
        state::share(&below);
        let partial = part("disk.partial");
        let _old = fs::remove_file(&partial);
        run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&tree).arg(&partial).arg(SIZE));
        remove(&below);
        let made = fs::rename(&partial, part("disk"));
        made.unwrap_or_else(|error| panic!("rename {}: {error}", partial.display()));
    });
}

fn set_up(tree: &Path) -> std::io::Result<()> {
    let key = part("key");
    if !key.exists() {
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "smoke", "-f"])
            .arg(&key));
    }
    let public = fs::read_to_string(key.with_extension("pub"))?;
    for (home, number) in [("root", 0), ("home/dev", 1000)] {
        let dir = tree.join(home).join(".ssh");
        remove(&dir);
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        let keys = dir.join("authorized_keys");
        fs::write(&keys, &public)?;
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600))?;
        for path in [&dir, &keys] {
            chown(path, Some(number), Some(number))?;
        }
    }
    fs::write(tree.join("etc/modules-load.d/smoke.conf"), MODULES)?;
    fs::write(tree.join("etc/fstab"), "/dev/vdb /opt/banger ext4 ro 0 0\n")?;
    for name in ["vmlinuz", "initrd.img"] {
        fs::copy(find(&tree.join("boot"), name)?, part(name))?;
    }
    Ok(())
}

/// The file whose name begins with `name` and a dash.
fn find(dir: &Path, name: &str) -> std::io::Result<PathBuf> {
    let start = format!("{name}-");
    let is_it = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&start);
    let found = fs::read_dir(dir)?.flatten().find(is_it);
    found.map(|entry| entry.path()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
}
