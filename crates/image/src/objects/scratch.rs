//! A directory for mmdebstrap. Another user's numbers own what it makes there, and they must be able to
//! reach it: so it lies where everyone may go, not below a private home.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::remove_tree;
use crate::{Fault, Job, fault::At, tool::Tool};

/// Directories of every host that anyone may enter, from the one that is meant for large files on.
const ROOTS: [&str; 2] = ["/var/tmp", "/tmp"];
const PREFIX: &str = "banger-build-";

/// The file in a partial that names its scratch directory, so that a sweep finds it.
const NOTE: &str = "scratch";

/// A directory that goes away when dropped, whoever owns what is in it.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one, and notes it in `partial` first.
    pub(crate) fn new(partial: &Path) -> Result<Self, Fault> {
        let root = ROOTS.iter().map(Path::new).find(|root| root.is_dir()).unwrap_or(Path::new("/tmp"));
        let name = partial.file_name().unwrap_or_default().to_string_lossy().replace(".partial-", PREFIX);
        let path = root.join(name);
        let note = partial.join(NOTE);
        fs::write(&note, path.as_os_str().as_encoded_bytes()).at("write", &note)?;
        fs::create_dir(&path).at("create", &path)?;
        let this = Self { path };
        fs::set_permissions(&this.path, fs::Permissions::from_mode(0o755)).at("change", &this.path)?;
        Ok(this)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        clear(&self.path);
    }
}

/// Removes the scratch directory of a partial whose maker was killed, if it had one; `false` if some of it
/// is left, as long as a program still writes there.
pub(super) fn clear_scratch(partial: &Path) -> bool {
    let Ok(text) = fs::read_to_string(partial.join(NOTE)) else { return true };
    let path = PathBuf::from(text);
    let is_name = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
    let is_place = path.parent().is_some_and(|parent| ROOTS.iter().any(|root| parent == Path::new(root)));
    // Everyone may write there: only what is ours is removed, and no link is followed.
    let is_ours = fs::symlink_metadata(&path)
        .is_ok_and(|meta| meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw());
    if is_name && is_place && is_ours {
        clear(&path);
        return !path.exists();
    }
    true
}

fn clear(path: &Path) {
    if remove_tree(path).is_ok() {
        return;
    }
    // What belongs to the numbers lent to us goes with their rights. The directory itself is ours, so they
    // are let in, to take away what is theirs and nothing else.
    let _unchanged = fs::set_permissions(path, fs::Permissions::from_mode(0o1777));
    let with_theirs = fs::read_dir(path).into_iter().flatten().flatten().try_for_each(|entry| {
        let tool = Tool::new("mmdebstrap", "mmdebstrap")?.args(["--unshare-helper", "rm", "-rf", "--"]);
        tool.arg(entry.path()).quiet().run(&Job::quiet()).map(drop)
    });
    if let Err(fault) = with_theirs.and_then(|()| remove_tree(path)) {
        tracing::warn!(path = %path.display(), %fault, "a directory is left over");
    }
}
