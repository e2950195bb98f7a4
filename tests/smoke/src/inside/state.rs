//! Images and kernels as the user `dev` has them: a copy of what all scenarios share, theirs by number.

use std::{
    fmt::Write,
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    cache::{self, once},
    place,
};

/// The number of the user `dev`, and of their group.
const DEV: &str = "1000:1000";

/// Where they are.
fn path() -> PathBuf {
    place::cache().join("inside/state")
}

/// Tells one set of images and kernels from another.
pub(super) fn key() -> String {
    let mut key = String::new();
    for name in cache::SHARED {
        list(&cache::state().join(name), &mut key);
    }
    key
}

/// Makes the copy, unless it is there and of the same files.
pub(super) fn prepare() {
    let (from, key) = (cache::state(), key());
    let mark = path().with_extension("made");
    once(&mark, &key, || {
        let _not_made_any_more = fs::remove_file(&mark);
        let partial = path().with_extension("partial");
        remove(&partial);
        let made = partial.parent().map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| fs::DirBuilder::new().mode(0o700).create(&partial));
        made.unwrap_or_else(|error| panic!("create {}: {error}", partial.display()));
        for name in cache::SHARED.into_iter().chain(cache::FOUND_OUT) {
            if from.join(name).exists() {
                run(Command::new("cp").args(["-a", "--sparse=always"]).arg(from.join(name)).arg(&partial));
            }
        }
        run(Command::new("chown").args(["-R", DEV]).arg(&partial));
        remove(&path());
        fs::rename(&partial, path()).unwrap_or_else(|error| panic!("rename {}: {error}", partial.display()));
    });
}

/// Puts them into a directory that is to be there; linked where that can be.
pub(super) fn share(to: &Path) {
    let copied = |how: &[&str]| {
        let mut copy = Command::new("cp");
        copy.args(how).arg(path()).arg(to).stderr(Stdio::null());
        copy.status().is_ok_and(|status| status.success())
    };
    if !copied(&["-alT"]) {
        remove(to);
        assert!(copied(&["-aT", "--sparse=always"]), "copy {} to {}", path().display(), to.display());
    }
}

/// Removes a directory, whether it is there or not.
pub(super) fn remove(dir: &Path) {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("remove {}: {error}", dir.display()),
        _ => {}
    }
}

/// Runs a program that must not fail.
pub(super) fn run(command: &mut Command) {
    let ended = command
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .unwrap_or_else(|error| panic!("start {command:?}: {error}"));
    assert!(ended.success(), "{command:?}: {ended}");
}

/// Adds a line a file: its path, its size, when it was written.
fn list(at: &Path, key: &mut String) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(at).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            list(&path, key);
        } else {
            let _infallible = writeln!(key, "{} {} {}", path.display(), meta.len(), meta.mtime());
        }
    }
}
