//! Discover: which releases there are, and which one is meant.

use std::{fs, path::Path};

use download::{Fetch, Pace};
use model::Version;
use release::{Keys, MANIFEST_BYTES_MAX, Manifest, Release, Trust, Url};

use crate::error::{Told as _, UpdateError};

const STEP: &str = "discover";

/// Where from, and whom to trust: as compiled in, unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Another manifest.
    pub manifest_url: Option<Url>,
    /// Other keys, in PEM.
    pub keys: Option<Keys>,
}

impl Source {
    /// Reads what was given on the command line.
    ///
    /// # Errors
    ///
    /// The address is none that may be fetched from; the file cannot be read or holds no keys.
    pub fn read(manifest_url: Option<&str>, keys_file: Option<&Path>) -> Result<Self, UpdateError> {
        let manifest_url = manifest_url.map(str::parse).transpose();
        let manifest_url = manifest_url.map_err(|error: release::UrlError| error.at(STEP))?;
        let keys = match keys_file {
            Some(path) => {
                let pem = fs::read_to_string(path).map_err(|error| {
                    UpdateError::failed(STEP, format!("read {}: {}", path.display(), error.at(STEP).why))
                })?;
                Some(Keys::parse(&pem).map_err(|error| error.at(STEP))?)
            }
            None => None,
        };
        Ok(Self { manifest_url, keys })
    }

    /// Whose signature counts.
    ///
    /// # Errors
    ///
    /// None in a build that passed its tests.
    pub fn keys(&self) -> Result<Keys, UpdateError> {
        match &self.keys {
            Some(keys) => Ok(keys.clone()),
            None => Trust::compiled().map(|trust| trust.keys).map_err(|error| error.at("verify")),
        }
    }

    fn manifest(&self) -> Result<Url, UpdateError> {
        if let Some(url) = &self.manifest_url {
            return Ok(url.clone());
        }
        let trust = Trust::compiled().map_err(|error| error.at(STEP))?;
        trust.server().cloned().map_err(|error| error.at(STEP))
    }
}

/// Finds the release that is meant: `to`, or the latest stable one.
///
/// # Errors
///
/// The manifest cannot be had or read, or has no such release; nothing was touched.
pub fn discover(source: &Source, to: Option<&Version>) -> Result<Release, UpdateError> {
    let url = source.manifest()?;
    let fetch = Fetch { what: "manifest", url: &url, bytes_max: MANIFEST_BYTES_MAX, pace: Pace::default() };
    let bytes = fetch.to_memory().map_err(|error| error.at(STEP))?;
    let manifest = Manifest::parse(&bytes).map_err(|error| error.at(STEP))?;
    match to {
        Some(version) => manifest.find(version, &url),
        None => manifest.latest(&url),
    }
    .map_err(|error| error.at(STEP))
}
