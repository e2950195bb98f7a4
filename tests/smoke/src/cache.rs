//! What all scenarios share: images, kernels, and what was found out about this host.
//!
//! They are made by the product itself, in a home that is kept. A scenario's home gets them as hard links: they
//! are kept by content or replaced by renaming, never changed in place, so nothing is copied and nothing can be
//! spoilt.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::{host::Home, inside, place, service};

/// Building an image on a slow host with a slow mirror.
const LIMIT: Duration = Duration::from_mins(30);

/// What is shared, from the state directory.
pub(crate) const SHARED: [&str; 3] = ["images", "kernels", "templates"];

/// What was found out about this host, from the state directory: it is dear to find out in each home.
pub(crate) const FOUND_OUT: [&str; 2] = ["kvm.json", "tsc.json"];

/// The images that scenarios use.
const IMAGES: [&str; 2] = ["debian-small", "debian-bookworm"];

/// The suite that has the newer of the archive's two kernels, and what that kernel is called here. It is
/// pulled first: the kernel that was made last is the default.
pub(crate) const NEWER_KERNEL: (&str, &str) = ("bookworm-backports", "newer");

/// Set where [`prepare`] was run before the scenarios: then none of them tries again.
const PREPARED: &str = "BANGER_SMOKE_PREPARED";

/// Makes what scenarios share, unless it is there. Two callers at once make it once.
///
/// # Panics
///
/// Where an image or a kernel cannot be made, or a first machine not be run.
pub fn prepare() {
    let dir = place::cache();
    let _lock = lock(FlockOperation::LockExclusive);
    let home = Home::at(dir.join("home"));
    for image in IMAGES {
        // Another recipe makes another image.
        once(&dir.join(image), &place::recipe(image), || {
            eprintln!("smoke: building image {image} in {}", dir.display());
            must(&home, &["image", "build", image]);
        });
    }
    once(&dir.join("kernels"), "", || {
        eprintln!("smoke: pulling kernels");
        let (suite, name) = NEWER_KERNEL;
        // Not every archive has two: the scenario that needs both says so.
        let _has_two = home.banger(["kernel", "pull", "--suite", suite, "--name", name]).show(LIMIT);
        must(&home, &["kernel", "pull"]);
    });
    once(&dir.join("tried"), &(place::programs_mark() + &place::host_boot()), || {
        eprintln!("smoke: running a first machine");
        must(&home, &["vm", "run", "--rm", "--image", IMAGES[0], "--", "true"]);
    });
    home.stop_daemon();
    let kind = inside::Kind::asked_for();
    if inside::lacks(kind).is_none() {
        inside::prepare(kind);
    }
    eprintln!("smoke: building the next release");
    service::build_next();
}

/// The state directory of the home that is kept.
pub(crate) fn state() -> PathBuf {
    place::cache().join("home/state/banger")
}

/// Makes what scenarios share where nobody did so before all of them.
///
/// # Panics
///
/// Where it cannot be made.
pub(crate) fn ensure() {
    if std::env::var_os(PREPARED).is_none() {
        prepare();
    }
    assert!(
        place::cache().join("tried").exists(),
        "images and kernels are not prepared; see above in this run"
    );
}

/// Does something unless `mark` says that it was done for the same `key`.
pub(crate) fn once(mark: &Path, key: &str, work: impl FnOnce()) {
    if fs::read_to_string(mark).is_ok_and(|found| found == key) {
        return;
    }
    work();
    fs::write(mark, key).unwrap_or_else(|error| panic!("write {}: {error}", mark.display()));
}

fn must(home: &Home, args: &[&str]) {
    let code = home.banger(args).show(LIMIT);
    if code != 0 {
        home.stop_daemon();
        panic!("banger {} exited with {code}", args.join(" "));
    }
}

/// Takes the lock of what is shared; it goes with the file.
fn lock(how: FlockOperation) -> File {
    let dir = place::cache();
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("create {}: {error}", dir.display()));
    let path = dir.join("lock");
    let file = File::create(&path).unwrap_or_else(|error| panic!("create {}: {error}", path.display()));
    flock(&file, how).unwrap_or_else(|error| panic!("lock {}: {error}", path.display()));
    file
}

/// Puts what is shared into a home.
pub(crate) fn share(home: &Path) {
    ensure();
    let _lock = lock(FlockOperation::LockShared);
    let (from, to) = (state(), home.join("state/banger"));
    let failed = |path: &Path, error| panic!("share {}: {error}", path.display());
    for name in SHARED {
        let from = from.join(name);
        link_tree(&from, &to.join(name)).unwrap_or_else(|error| failed(&from, error));
    }
    for name in FOUND_OUT {
        let from = from.join(name);
        match fs::copy(&from, to.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => failed(&from, error),
            _ => {}
        }
    }
}

/// Makes `to` a tree like `from`: directories anew, files as links to the same file, without what is hidden.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    // The directories above it are its owner's alone: the product refuses others.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to)?;
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
