//! A directory of things kept by content, with names that point to them.
//!
//! ```text
//! <dir>/objects/<digest>/…     whole or not there: made in a partial, renamed
//! <dir>/names/<name>           a link to ../objects/<digest>, replaced by renaming
//! <dir>/locks/<name>           held while something is made for that name
//! <dir>/.partial-<random>/     being made; its `lock` is held for as long
//! <dir>/.lock                  held for the moments in which objects and names change
//! ```

mod lock;
mod partial;
mod scratch;
mod tree;

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    marker::PhantomData,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use host::file::disk_used;
use model::Digest;
use serde::{Serialize, de::DeserializeOwned};

pub(crate) use lock::Lock;
pub(crate) use partial::Partial;
pub(crate) use scratch::Scratch;
pub(crate) use tree::{dig_holes, remove_tree, sync_dir, sync_tree};

use crate::{Fault, Job, fault::At};

/// What stands beside an object's files and says what they are.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The name of its file.
    const FILE: &'static str;
    /// The schema that this release writes; it reads no later one.
    const SCHEMA: u32;
}

/// What a clean-up took away, or would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// What it was, a line each.
    pub removed: Vec<String>,
    /// The room that it took, in bytes.
    pub freed_bytes: u64,
}

impl Reclaimed {
    pub(crate) fn take(&mut self, path: &Path, what: String, is_trial: bool) -> Result<(), Fault> {
        self.freed_bytes += disk_used(path);
        if !is_trial {
            remove_tree(path)?;
        }
        self.removed.push(what);
        Ok(())
    }
}

/// The one field that every release's records have.
#[derive(serde::Deserialize)]
struct Schema {
    schema: u32,
}

#[derive(Debug)]
pub(crate) struct Objects<R> {
    dir: PathBuf,
    record: PhantomData<fn() -> R>,
}

impl<R: Record> Objects<R> {
    pub(crate) fn open(dir: &Path) -> Result<Self, Fault> {
        for part in ["objects", "names", "locks"] {
            let path = dir.join(part);
            fs::create_dir_all(&path).at("create", &path)?;
        }
        Ok(Self { dir: dir.to_owned(), record: PhantomData })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn object_dir(&self, digest: &Digest) -> PathBuf {
        self.dir.join("objects").join(digest.to_string())
    }

    fn name_path(&self, name: &str) -> PathBuf {
        self.dir.join("names").join(name)
    }

    /// Waits until nothing else is made for `name`.
    pub(crate) fn lock_name(&self, name: &str, job: &Job) -> Result<Lock, Fault> {
        Lock::wait(&self.dir.join("locks").join(name), job)
    }

    pub(crate) fn lock_all(&self) -> Result<Lock, Fault> {
        Lock::take(&self.dir.join(".lock"))
    }

    /// Begins something that is not there yet.
    pub(crate) fn partial(&self) -> Result<Partial, Fault> {
        let _all = self.lock_all()?;
        Partial::new(&self.dir)
    }

    pub(crate) fn digest_of(&self, name: &str) -> Result<Option<Digest>, Fault> {
        let path = self.name_path(name);
        match fs::read_link(&path) {
            Ok(target) => Ok(target.file_name().and_then(|name| name.to_str()?.parse().ok())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Fault::io("read", &path, error)),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Result<Option<R>, Fault> {
        match self.digest_of(name)? {
            Some(digest) => self.read(&digest),
            None => Ok(None),
        }
    }

    pub(crate) fn read(&self, digest: &Digest) -> Result<Option<R>, Fault> {
        let path = self.object_dir(digest).join(R::FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::io("read", &path, error)),
        };
        let bad = |source| Fault::Record { path: path.clone(), source };
        let Schema { schema } = serde_json::from_slice(&text).map_err(bad)?;
        if schema > R::SCHEMA {
            return Err(Fault::LaterRecord { path, schema });
        }
        serde_json::from_slice(&text).map(Some).map_err(bad)
    }

    /// Every name with its record, in the order of the names. A name whose object is gone is left out.
    pub(crate) fn list(&self) -> Result<Vec<(String, R)>, Fault> {
        let mut found = vec![];
        for name in self.names()? {
            if let Some(record) = self.get(&name)? {
                found.push((name, record));
            }
        }
        Ok(found)
    }

    fn names(&self) -> Result<BTreeSet<String>, Fault> {
        file_names(&self.dir.join("names"))
    }

    /// Puts a partial's directory in place as the object `digest`, and lets `name` point to it.
    ///
    /// It is on disk before it is seen. Where the object is there already, the partial's is dropped.
    pub(crate) fn publish(
        &self,
        partial: Partial,
        name: &str,
        digest: &Digest,
        record: &R,
    ) -> Result<(), Fault> {
        let made = partial.object();
        let path = made.join(R::FILE);
        let text = serde_json::to_vec_pretty(record)
            .map_err(|source| Fault::Record { path: path.clone(), source })?;
        fs::write(&path, text).at("write", &path)?;
        sync_tree(&made)?;

        let _all = self.lock_all()?;
        let place = self.object_dir(digest);
        let is_new = !place.join(R::FILE).exists();
        if is_new {
            fs::rename(&made, &place).at("create", &place)?;
        }
        let synced = if is_new { sync_dir(&self.dir.join("objects")) } else { Ok(()) };
        let pointed = synced.and_then(|()| self.point(name, digest, partial.path()));
        if pointed.is_err() && is_new {
            // An object that nothing names would stay for ever: it goes with the partial.
            let _back = fs::rename(&place, &made);
        }
        drop(partial);
        pointed
    }

    fn point(&self, name: &str, digest: &Digest, spare_dir: &Path) -> Result<(), Fault> {
        let spare = spare_dir.join("name");
        let path = self.name_path(name);
        symlink(Path::new("../objects").join(digest.to_string()), &spare).at("create", &spare)?;
        fs::rename(&spare, &path).at("create", &path)?;
        sync_dir(&self.dir.join("names"))
    }

    /// Lets `name` point to an object that is there; `false` if it is not.
    pub(crate) fn name_existing(&self, name: &str, digest: &Digest) -> Result<bool, Fault> {
        let partial = self.partial()?;
        let _all = self.lock_all()?;
        if !self.object_dir(digest).join(R::FILE).exists() {
            return Ok(false);
        }
        self.point(name, digest, partial.path())?;
        Ok(true)
    }

    /// Takes a name away, and its object where no other name points to it; `false` if there was none.
    pub(crate) fn delete(&self, name: &str) -> Result<bool, Fault> {
        let _all = self.lock_all()?;
        let Some(digest) = self.digest_of(name)? else { return Ok(false) };
        let path = self.name_path(name);
        fs::remove_file(&path).at("remove", &path)?;
        sync_dir(&self.dir.join("names"))?;
        if !self.named()?.contains(&digest) {
            self.remove_object(&digest)?;
        }
        Ok(true)
    }

    /// Renames before it removes, so that a cut leaves no half of an object in its place.
    fn remove_object(&self, digest: &Digest) -> Result<(), Fault> {
        let grave = Partial::new(&self.dir)?;
        let place = self.object_dir(digest);
        match fs::rename(&place, grave.object()) {
            Ok(()) => sync_dir(&self.dir.join("objects")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Fault::io("remove", &place, error)),
        }
    }

    fn named(&self) -> Result<BTreeSet<Digest>, Fault> {
        let digests: Result<Vec<_>, Fault> = self.names()?.iter().map(|name| self.digest_of(name)).collect();
        Ok(digests?.into_iter().flatten().collect())
    }

    /// Removes what a killed process left: partials that nobody holds.
    pub(crate) fn sweep(&self) -> Result<Reclaimed, Fault> {
        let _all = self.lock_all()?;
        partial::sweep(&self.dir)
    }

    /// Removes objects that no name points to, except those in `keep`.
    pub(crate) fn prune(&self, keep: &BTreeSet<Digest>, is_trial: bool) -> Result<Reclaimed, Fault> {
        let _all = self.lock_all()?;
        let named = self.named()?;
        let mut reclaimed = Reclaimed::default();
        for text in file_names(&self.dir.join("objects"))? {
            let digest = text.parse::<Digest>().ok();
            if digest.is_some_and(|digest| named.contains(&digest) || keep.contains(&digest)) {
                continue;
            }
            let path = self.dir.join("objects").join(&text);
            reclaimed.take(&path, format!("{} (no name)", path.display()), is_trial)?;
        }
        Ok(reclaimed)
    }

    /// The room that everything takes, in bytes.
    pub(crate) fn usage_bytes(&self) -> u64 {
        disk_used(&self.dir)
    }
}

/// The names in a directory that are text, in order.
pub(crate) fn file_names(dir: &Path) -> Result<BTreeSet<String>, Fault> {
    let entries = fs::read_dir(dir).at("read", dir)?;
    entries
        .map(|entry| Ok(entry.at("read", dir)?.file_name().into_string().ok()))
        .filter_map(Result::transpose)
        .collect()
}

/// Copies a file with its holes, sharing its blocks where the file system can. `to` must not be there.
pub(crate) fn copy_sparse(from: &File, to: &Path, job: &Job) -> Result<File, Fault> {
    let out = File::options().read(true).write(true).create_new(true).open(to).at("create", to)?;
    if rustix::fs::ioctl_ficlone(&out, from).is_ok() {
        return Ok(out);
    }
    let len = from.metadata().at("read", to)?.len();
    out.set_len(len).at("write", to)?;
    tree::copy_data(from, &out, len, to, job)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
