//! What all scenarios share: images and kernels, built once.
//!
//! They are built by the product itself, in a home that is kept. A scenario's home gets them as hard links: they
//! are kept by content and never changed in place, so nothing is copied and nothing can be spoilt.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::{host::Home, place};

/// Building an image on a slow host with a slow mirror.
const LIMIT: Duration = Duration::from_mins(30);

/// What is shared, from the home's root.
const SHARED: [&str; 2] = ["state/banger/images", "state/banger/kernels"];

/// Set where [`prepare`] was run before the scenarios: then none of them tries again.
const PREPARED: &str = "BANGER_SMOKE_PREPARED";

/// Builds what scenarios share, unless these very programs did already. Two callers at once build once.
///
/// # Panics
///
/// Where a first machine cannot be run.
pub fn prepare() {
    let dir = place::cache();
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("create {}: {error}", dir.display()));
    let path = dir.join("lock");
    let lock = File::create(&path).unwrap_or_else(|error| panic!("create {}: {error}", path.display()));
    flock(&lock, FlockOperation::LockExclusive)
        .unwrap_or_else(|error| panic!("lock {}: {error}", path.display()));
    let (ready, mark) = (dir.join("ready"), place::programs_mark());
    if fs::read_to_string(&ready).is_ok_and(|found| found == mark) {
        return;
    }
    eprintln!("smoke: preparing the default image and kernel in {}", dir.display());
    let home = Home::at(dir.join("home"));
    let output = home.banger(["vm", "run", "--rm", "--", "true"]).limit(LIMIT).run();
    home.stop_daemon();
    eprint!("{}", output.stderr());
    let _well = output.ok();
    fs::write(&ready, mark).unwrap_or_else(|error| panic!("write {}: {error}", ready.display()));
}

/// Puts what is shared into a home.
pub(crate) fn share(home: &Path) {
    if std::env::var_os(PREPARED).is_none() {
        prepare();
    }
    let cache = place::cache();
    assert!(cache.join("ready").exists(), "the images and kernels are not prepared; see above in this run");
    for name in SHARED {
        let (from, to) = (cache.join("home").join(name), home.join(name));
        link_tree(&from, &to).unwrap_or_else(|error| panic!("share {}: {error}", from.display()));
    }
}

/// Makes `to` a tree like `from`: directories anew, files as links to the same file, without what is hidden.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, kind): (PathBuf, _) = (to.join(entry.file_name()), entry.file_type()?);
        // Locks and what is half made belong to the home that they are in.
        if entry.file_name().as_encoded_bytes().starts_with(b".") || entry.file_name() == "locks" {
            continue;
        }
        if kind.is_dir() {
            link_tree(&entry.path(), &path)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, path)?;
        } else if fs::hard_link(entry.path(), &path).is_err() {
            // Another file system.
            fs::copy(entry.path(), path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_tree_is_shared_by_links_without_locks() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("state/to"));
        fs::create_dir_all(from.join("objects/ab")).unwrap();
        fs::create_dir_all(from.join("locks")).unwrap();
        fs::create_dir_all(from.join("names")).unwrap();
        fs::write(from.join("objects/ab/disk"), "d").unwrap();
        fs::write(from.join(".lock"), "").unwrap();
        symlink("../objects/ab", from.join("names/debian")).unwrap();
        link_tree(&from, &to).unwrap();
        let inode = |path: PathBuf| fs::metadata(path).unwrap().ino();
        assert_eq!(inode(from.join("objects/ab/disk")), inode(to.join("names/debian/disk")));
        assert!(!to.join(".lock").exists() && !to.join("locks").exists());
    }
}
