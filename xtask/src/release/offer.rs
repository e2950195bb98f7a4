//! What is offered: `manifest.json`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use model::Version;
use release::{Entry, Manifest, SCHEMA_VERSION, archive_name};

use super::ReleaseError;

/// The releases that are offered already.
pub(super) struct Offer {
    out: PathBuf,
    manifest: Option<Manifest>,
}

impl Offer {
    pub(super) fn read(out: &Path) -> Result<Self, ReleaseError> {
        let path = out.join("manifest.json");
        let manifest = match fs::read(&path) {
            Ok(bytes) => Some(Manifest::parse(&bytes).map_err(ReleaseError::refused)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(ReleaseError::disk("read", path)(error)),
        };
        Ok(Self { out: out.to_owned(), manifest })
    }

    pub(super) fn expect_new(&self, version: &Version) -> Result<(), ReleaseError> {
        let path = self.out.join(version.to_string());
        let is_offered = self.manifest.iter().any(|manifest| manifest.versions().contains(version));
        if is_offered || path.exists() {
            return Err(ReleaseError::Exists { version: version.clone(), path });
        }
        Ok(())
    }

    /// Offers one more, which becomes the latest stable one if it is stable and higher than that.
    pub(super) fn extend(self, version: &Version) -> Result<(), ReleaseError> {
        let mut manifest = self.manifest.unwrap_or_else(|| Manifest {
            schema_version: SCHEMA_VERSION,
            latest_stable: version.clone(),
            releases: vec![],
        });
        let is_stable = !version.to_string().contains('-');
        if is_stable && *version > manifest.latest_stable {
            manifest.latest_stable = version.clone();
        }
        manifest.releases.push(Entry {
            version: version.clone(),
            released_at: Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default(),
            tarball_url: format!("{version}/{}", archive_name(version)),
            sha256sums_url: format!("{version}/SHA256SUMS"),
            sha256sums_sig_url: Some(format!("{version}/SHA256SUMS.sig")),
        });
        let text = serde_json::to_string_pretty(&manifest).map_err(ReleaseError::refused)? + "\n";
        let (path, next) = (self.out.join("manifest.json"), self.out.join(".manifest.json.next"));
        fs::write(&next, text).map_err(ReleaseError::disk("write", &next))?;
        fs::rename(&next, &path).map_err(ReleaseError::disk("name", path))
    }
}
