//! Which releases there are, and where they lie.

use std::fmt::Write as _;

use jiff::Timestamp;
use model::{Class, Version};
use serde::{Deserialize, Serialize};

use crate::{Url, UrlError, limits::MANIFEST_BYTES_MAX};

/// The one form of a manifest that this release reads and writes.
pub const SCHEMA_VERSION: u64 = 1;

/// Which releases there are, and where they lie. Not signed: it names places, never digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`SCHEMA_VERSION`].
    pub schema_version: u64,
    /// What `banger update` goes to without `--to`.
    pub latest_stable: Version,
    /// Every release that is offered.
    pub releases: Vec<Entry>,
}

/// A release as the manifest has it. Its addresses may be relative to the manifest's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The release.
    pub version: Version,
    /// When it was released.
    pub released_at: Timestamp,
    /// Where its tarball is.
    pub tarball_url: String,
    /// Where its SHA256SUMS is.
    pub sha256sums_url: String,
    /// Where the signature of that is. A release without one is refused.
    #[serde(default)]
    pub sha256sums_sig_url: Option<String>,
}

/// A release that may be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The release.
    pub version: Version,
    /// When it was released.
    pub released_at: Timestamp,
    /// Where its tarball is.
    pub tarball_url: Url,
    /// Where its SHA256SUMS is.
    pub sums_url: Url,
    /// Where the signature of that is.
    pub signature_url: Url,
}

/// Why a manifest offers nothing that may be fetched.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is longer than [`MANIFEST_BYTES_MAX`].
    #[error("the manifest is longer than {MANIFEST_BYTES_MAX} bytes")]
    TooLong,
    /// It is not JSON of the known form.
    #[error("the manifest cannot be read")]
    NotRead {
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// It is of a form that this release does not know.
    #[error("the manifest has schema_version {schema_version}; this banger reads {SCHEMA_VERSION}")]
    UnknownSchema {
        /// Its form.
        schema_version: u64,
    },
    /// A release stands there twice.
    #[error("the manifest lists {version} twice")]
    Twice {
        /// Which.
        version: Version,
    },
    /// No release has this version.
    #[error("there is no release {version}; there {}", list(known))]
    UnknownVersion {
        /// What was asked for.
        version: Version,
        /// What there is, newest first.
        known: Vec<Version>,
    },
    /// A release is offered without a signature.
    #[error("release {version} has no signature")]
    NoSignature {
        /// Which.
        version: Version,
    },
    /// A release lies where nothing may be fetched from.
    #[error("the {field} of release {version}")]
    Place {
        /// Which release.
        version: Version,
        /// Which of its addresses.
        field: &'static str,
        /// What is wrong with it.
        source: UrlError,
    },
}

/// How many versions an error lists.
const LISTED_MAX: usize = 10;

/// Says what there is as the end of "there …".
fn list(known: &[Version]) -> String {
    let verb = if known.len() == 1 { "is" } else { "are" };
    if known.is_empty() {
        return "are none".to_owned();
    }
    let mut text = format!("{verb} ");
    for (index, version) in known.iter().take(LISTED_MAX).enumerate() {
        // Writing to a text does not fail.
        let _ = write!(text, "{}{version}", if index == 0 { "" } else { ", " });
    }
    if let Some(more) = known.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
        let _ = write!(text, " and {more} older");
    }
    text
}

impl ManifestError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::UnknownVersion { .. } | Self::NotRead { .. } => Class::Failed,
            _ => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownSchema { .. } => Some(
                "This banger is too old for that server: install a newer release with its install.sh."
                    .to_owned(),
            ),
            Self::UnknownVersion { known, .. } => {
                known.first().map(|newest| format!("banger update --to {newest}"))
            }
            _ => None,
        }
    }
}

/// What can be read of a manifest of any form.
#[derive(Deserialize)]
struct AnyForm {
    schema_version: u64,
}

impl Manifest {
    /// Reads a manifest. Fields that are not known are left out of account.
    ///
    /// # Errors
    ///
    /// It is too long, not JSON, of another form, or lists a release twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() as u64 > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLong);
        }
        let not_read = |source| ManifestError::NotRead { source };
        // The form first: of another one, nothing else may be guessed at.
        let AnyForm { schema_version } = serde_json::from_slice(bytes).map_err(not_read)?;
        if schema_version != SCHEMA_VERSION {
            return Err(ManifestError::UnknownSchema { schema_version });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(not_read)?;
        let versions = manifest.versions();
        if let Some(pair) = versions.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ManifestError::Twice { version: pair[0].clone() });
        }
        Ok(manifest)
    }

    /// Every version that is offered, newest first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut versions: Vec<_> = self.releases.iter().map(|entry| entry.version.clone()).collect();
        versions.sort_by(|a, b| b.cmp(a));
        versions
    }

    /// Finds the release that `banger update` goes to by itself; `base` is where the manifest was fetched from.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn latest(&self, base: &Url) -> Result<Release, ManifestError> {
        self.find(&self.latest_stable, base)
    }

    /// Finds a release; `base` is where the manifest was fetched from.
    ///
    /// # Errors
    ///
    /// There is none of this version, or it may not be fetched: no signature, or an address that is refused. Other
    /// releases' faults are not looked at.
    pub fn find(&self, version: &Version, base: &Url) -> Result<Release, ManifestError> {
        let entry = self.releases.iter().find(|entry| entry.version == *version);
        let unknown = || ManifestError::UnknownVersion { version: version.clone(), known: self.versions() };
        let entry = entry.ok_or_else(unknown)?;
        let signature_url = entry.sha256sums_sig_url.as_deref().filter(|url| !url.is_empty());
        let no_signature = || ManifestError::NoSignature { version: version.clone() };
        let signature_url = signature_url.ok_or_else(no_signature)?;
        let place = |field, reference| {
            let bad = |source| ManifestError::Place { version: version.clone(), field, source };
            base.join(reference).map_err(bad)
        };
        Ok(Release {
            version: version.clone(),
            released_at: entry.released_at,
            tarball_url: place("tarball_url", &entry.tarball_url)?,
            sums_url: place("sha256sums_url", &entry.sha256sums_url)?,
            signature_url: place("sha256sums_sig_url", signature_url)?,
        })
    }
}

#[cfg(test)]
mod tests;
