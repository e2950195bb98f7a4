//! Stage: a release is unpacked beside its place, made whole, and only then given its name.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use install::{
    disk::{beside, new_dir, new_file, remove_all, rename_over, sync_dir},
    plan::SUMS,
    sums::{Compared, compare},
};
use model::Version;
use release::{FileName, Sink, unpack};

use crate::{
    check,
    error::{Told as _, UpdateError},
    fetch::Fetched,
    places::Places,
    programs,
};

const STEP: &str = "stage";

/// Unpacks what was fetched into `releases/<version>`, whole and synced. One that is there already and is the same
/// is used as it is.
///
/// # Errors
///
/// It is not the release that it says, or the disk refuses; nothing of it is left.
pub fn stage(places: &Places, fetched: &mut Fetched) -> Result<Version, UpdateError> {
    let version = fetched.archive.get().version().clone();
    let path = places.release(&version);
    if is_there(places, &path, &fetched.sums) {
        return Ok(version);
    }
    let partial = beside(&path);
    let done = fill(places, &partial, &version, fetched)
        .and_then(|()| rename_over(&partial, &path).map_err(|error| error.at(STEP)));
    if done.is_err() {
        // The first error is the one to tell.
        remove_all(&partial).ok();
    }
    done.map(|()| version)
}

/// Whether a release is there, by the same record, and its programs are what that says.
fn is_there(places: &Places, path: &Path, sums: &[u8]) -> bool {
    fs::read(path.join(SUMS)).is_ok_and(|found| found == sums)
        && compare(path).is_ok_and(|compared| compared == Compared::Same)
        && (!places.is_system() || path.join("units").is_dir())
}

fn fill(
    places: &Places,
    partial: &Path,
    version: &Version,
    fetched: &mut Fetched,
) -> Result<(), UpdateError> {
    let made = remove_all(partial).and_then(|()| new_dir(partial));
    made.map_err(|error| error.at(STEP))?;
    unpack(&fetched.archive, &mut fetched.tarball, &mut Directory(partial.to_owned()))
        .map_err(|error| error.at(STEP))?;
    let record = || -> io::Result<()> {
        let mut file = new_file(&partial.join(SUMS), 0o644)?;
        io::Write::write_all(&mut file, &fetched.sums)?;
        file.sync_all()
    };
    record().map_err(|error| error.at(STEP))?;
    // Only what says that it is this release may say what its units are.
    check::names_version(places, partial, version)?;
    if places.is_system() {
        let dir = partial.display().to_string();
        programs::expect(partial, "banger", &["internal", "release-files", &dir], places.account(), STEP)?;
    }
    sync_dir(partial).map_err(|error| error.at(STEP))
}

/// Takes the files of a release as programs.
struct Directory(PathBuf);

impl Sink for Directory {
    type File = File;

    fn create(&mut self, name: &FileName, _size_bytes: u64) -> io::Result<File> {
        new_file(&self.0.join(name.as_str()), 0o755)
    }

    fn finish(&mut self, _name: &FileName, file: File) -> io::Result<()> {
        file.sync_all()
    }
}
