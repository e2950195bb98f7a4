//! Something that is being made: a directory that goes away with whoever makes it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Lock, Reclaimed, file_names, remove_tree};
use crate::{Fault, fault::At};

const PREFIX: &str = ".partial-";

/// A directory beside the objects, removed when dropped, and by a sweep when its maker was killed.
#[derive(Debug)]
pub(crate) struct Partial {
    path: PathBuf,
    _lock: Lock,
}

impl Partial {
    /// Makes one. The caller holds the directory's lock, so that no sweep sees it without its own.
    pub(super) fn new(dir: &Path) -> Result<Self, Fault> {
        let made =
            tempfile::Builder::new().prefix(PREFIX).tempdir_in(dir).at("create a directory in", dir)?;
        let lock = Lock::take(&made.path().join("lock"))?;
        let path = made.keep();
        Ok(Self { path, _lock: lock })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The place of the object in it; it is not made yet.
    pub(crate) fn object(&self) -> PathBuf {
        self.path.join("object")
    }

    /// Makes the place of the object.
    pub(crate) fn make_object(&self) -> Result<PathBuf, Fault> {
        let path = self.object();
        fs::create_dir(&path).at("create", &path)?;
        Ok(path)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(fault) = remove_tree(&self.path) {
            tracing::warn!(path = %self.path.display(), %fault, "a partial is left for the next sweep");
        }
    }
}

pub(super) fn sweep(dir: &Path) -> Result<Reclaimed, Fault> {
    let mut reclaimed = Reclaimed::default();
    for name in file_names(dir)?.into_iter().filter(|name| name.starts_with(PREFIX)) {
        let path = dir.join(name);
        // Where there is no lock file, its maker was killed before it had one.
        if let Some(_lock) = Lock::attempt(&path.join("lock"))? {
            if !super::scratch::clear_scratch(&path) {
                continue;
            }
            reclaimed.take(&path, format!("{} (left by a killed process)", path.display()), false)?;
        }
    }
    Ok(reclaimed)
}
