//! Fetch and verify: what is trusted afterwards is a type.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use download::{Fetch, Pace};
use install::disk::remove_all;
use release::{
    Archive, Keys, Release, SIGNATURE_BYTES_MAX, SUMS_BYTES_MAX, TARBALL_BYTES_MAX, Url, Verified,
};

use crate::error::{Told as _, UpdateError};

/// A release that was fetched and that its maker signed.
#[derive(Debug)]
pub struct Fetched {
    /// What is trusted.
    pub archive: Verified<Archive>,
    /// The tarball, open, so that nobody can put another one in its place.
    pub tarball: File,
    /// Its SHA256SUMS as it was signed: the record of the release from now on.
    pub sums: Vec<u8>,
    /// The directory that all of it is in.
    dir: PathBuf,
}

impl Fetched {
    /// Removes what was fetched.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn remove(&self) -> Result<(), UpdateError> {
        remove_all(&self.dir).map_err(|error| error.at("clean up"))
    }
}

/// Fetches a release into `dir`, which is emptied first, and verifies it. Tells `progress` how many bytes of the
/// tarball came, and of how many.
///
/// # Errors
///
/// It cannot be had, or is not what its maker signed; nothing of it is left.
pub fn fetch(
    dir: &Path,
    from: &Release,
    keys: &Keys,
    progress: impl FnMut(u64, Option<u64>),
) -> Result<Fetched, UpdateError> {
    let made = remove_all(dir).and_then(|()| DirBuilder::new().recursive(true).mode(0o700).create(dir));
    made.map_err(|error| error.at("fetch"))?;
    let fetched = fetch_into(dir, from, keys, progress);
    if fetched.is_err() {
        // The first error is the one to tell.
        remove_all(dir).ok();
    }
    fetched
}

fn fetch_into(
    dir: &Path,
    from: &Release,
    keys: &Keys,
    progress: impl FnMut(u64, Option<u64>),
) -> Result<Fetched, UpdateError> {
    // A key that is none is told before anything is fetched.
    keys.usable().map(drop).map_err(|error| error.at("verify"))?;
    let sums = small("SHA256SUMS", &from.sums_url, SUMS_BYTES_MAX)?;
    let signature = small("SHA256SUMS.sig", &from.signature_url, SIGNATURE_BYTES_MAX)?;
    let listed = release::verify(keys, &sums, &signature).map_err(|error| error.at("verify"))?;
    let path = dir.join("tarball");
    let tarball = Fetch {
        what: "tarball",
        url: &from.tarball_url,
        bytes_max: TARBALL_BYTES_MAX,
        pace: Pace::default(),
    };
    let came = tarball.to_file(&path, progress).map_err(|error| error.at("fetch"))?;
    let archive = listed.archive(&from.version, came.digest).map_err(|error| error.at("verify"))?;
    let tarball = File::open(&path).map_err(|error| error.at("fetch"))?;
    fs::write(dir.join("SHA256SUMS"), &sums).map_err(|error| error.at("fetch"))?;
    Ok(Fetched { archive, tarball, sums, dir: dir.to_owned() })
}

fn small(what: &'static str, url: &Url, bytes_max: u64) -> Result<Vec<u8>, UpdateError> {
    Fetch { what, url, bytes_max, pace: Pace::default() }.to_memory().map_err(|error| error.at("fetch"))
}
