//! A disk that is full while something is made on it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use smoke::{Host, on_plain, processes, skip};

use super::{
    files::{Tar, mkfs, noise},
    table::Table,
};
use crate::small::Filler;

/// More files than any call makes.
const FILES_MAX: u64 = 60;

/// Gives a daemon a small file system as its state or cache, in a mount namespace of its own: it goes with the
/// daemon. Images and kernels are seen through it.
const SMALL: &str = r#"set -e
mount -t tmpfs -o "$2",mode=0700 none "$XDG_RUNTIME_DIR"/../keep
for name in images kernels templates; do
    [ ! -d "$1/$name" ] || { mkdir "$XDG_RUNTIME_DIR/../keep/$name"; mount --bind "$1/$name" "$XDG_RUNTIME_DIR/../keep/$name"; }
done
for file in kvm.json tsc.json; do [ ! -f "$1/$file" ] || cp "$1/$file" "$XDG_RUNTIME_DIR/../keep"; done
mount --rbind "$XDG_RUNTIME_DIR/../keep" "$1"
exec banger vm list"#;

/// Starts the daemon with `dir` on a file system of such options; `None` where this host lets nobody have one.
fn daemon_with_small(host: &Host, dir: &str, options: &str) -> Option<PathBuf> {
    let dir = host.dir().join(dir);
    for path in [&dir, &host.dir().join("keep")] {
        fs::DirBuilder::new().recursive(true).create(path).unwrap();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }
    let own: &[&str] = if rustix::process::geteuid().is_root() {
        &["--mount"]
    } else {
        &["--map-current-user", "--keep-caps", "--mount"]
    };
    let may = host.program("/usr/bin/unshare").args(own).args(["mount", "-t", "tmpfs", "none", "/mnt"]);
    if may.run().code != 0 {
        return None;
    }
    let script = ["sh", "-c", SMALL, "sh"].map(Path::new);
    let call = host.program("/usr/bin/unshare").args(own).args(script).args([&dir, Path::new(options)]);
    call.run().ok();
    let found = processes(host.dir());
    let daemon = found.iter().find(|trace| trace.line.ends_with("/bangerd")).unwrap();
    // As the daemon sees it.
    let seen = PathBuf::from(format!("/proc/{}/root", daemon.pid));
    Some(seen.join(dir.strip_prefix("/").unwrap()))
}

/// Every path below `dir` with its room, without what belongs to the database and the log.
fn kept(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (vec![], vec![dir.to_owned()]);
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                todo.push(entry.path());
            }
            if at.file_name().is_none_or(|name| name != "locks") {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_disk_that_is_full_while_a_file_comes_in_leaves_nothing() {
    on_plain(|host| {
        let Some(cache) = daemon_with_small(host, "cache/banger", "size=64m") else {
            skip!(host, "a file system of its own");
        };
        let mut table = Table::new(host);
        let before = kept(&cache);
        table.file("root.tar", Tar::root().end());
        table.refused("no room to take a file in", "image import --name box root.tar", 1);
        table.refused("no room to take a file in", "kernel import --name box --vmlinux root.tar", 1);
        assert_eq!(kept(&cache), before);
        table.is("no_room_for_what_comes_in");
    });
}

/// Lets the file system of `state` have 0, 1, 2 … more files until a call works: each that does not leaves
/// nothing. Returns how many did not.
fn with_ever_more_files(host: &Host, state: &Path, line: &str) -> u64 {
    let before = kept(state);
    for but in 0..FILES_MAX {
        let filler = Filler::files(state, but);
        let output = host.banger(["-q"]).args(line.split(' ')).run();
        drop(filler);
        if output.code == 0 {
            return but;
        }
        let told = output.exits(1).stderr();
        assert!(!told.contains("os error"), "with {but} files: {told}");
        assert!(told.contains("room") || told.contains("No space left"), "with {but} files: {told}");
        let left: Vec<_> = kept(state).into_iter().filter(|path| !before.contains(path)).collect();
        assert!(left.is_empty(), "with {but} files: {told}: {left:?}");
        assert_eq!(host.machines(), 0, "with {but} files");
    }
    panic!("{line} does not work with {FILES_MAX} files");
}

#[test]
fn a_disk_that_is_full_while_a_machine_is_made_leaves_nothing() {
    on_plain(|host| {
        host.with_guests();
        let Some(state) = daemon_with_small(host, "state/banger", "size=400m,nr_inodes=200") else {
            skip!(host, "a file system of its own");
        };
        let line = "vm create --no-start --image debian-small --name box";
        // The first machine brings the directory of all.
        host.banger(line.split(' ')).run().ok();
        host.banger(["vm", "delete", "box"]).run().ok();
        let mut table = Table::new(host);
        let before = kept(&state);
        {
            let _filler = Filler::bytes(&state, 4096);
            table.refused("little room", line, 1);
            table.refused("little room for an image", "image build debian-small --name box", 1);
        }
        {
            let _filler = Filler::bytes(&state, 0);
            table.refused("no room at all", line, 1);
        }
        assert_eq!(kept(&state), before);
        table.is("no_room_for_a_machine");
        assert!(with_ever_more_files(host, &state, line) > 2);
        host.banger(["vm", "delete", "box"]).run().ok();
        assert_eq!(kept(&state), before);
    });
}

#[test]
fn a_disk_that_is_full_while_an_image_is_made_leaves_nothing() {
    on_plain(|host| {
        let Some(state) = daemon_with_small(host, "state/banger", "size=48m,nr_inodes=200") else {
            skip!(host, "a file system of its own");
        };
        let mut table = Table::new(host);
        table.file("large.tar", Tar::root().file("large", noise(64 << 20)).end());
        table.file("middle.tar", Tar::root().file("large", noise(30 << 20)).end());
        table.file("disk.ext4", mkfs(&table.dir(), "ext4"));
        table.file("small.tar", Tar::root().end());
        let before = kept(&state);
        table.refused("no room for its files", "image import --name box large.tar", 1);
        table.refused("no room for its file system", "image import --name box middle.tar", 1);
        {
            let _filler = Filler::bytes(&state, 16);
            table.refused("no room for a file system", "image import --name box disk.ext4", 1);
        }
        assert_eq!(kept(&state), before);
        table.is("no_room_for_an_image");
        assert!(with_ever_more_files(host, &state, "image import --name box small.tar") > 5);
    });
}
