//! `install.sh`, with the address and the keys that the release's programs have.

use std::{fs, path::Path};

use super::ReleaseError;

/// Writes `install.sh` into `out`: `packaging/install.sh` with `packaging/release.toml` put in.
pub(super) fn write(root: &Path, out: &Path) -> Result<(), ReleaseError> {
    let from = root.join("packaging/install.sh");
    let text = fs::read_to_string(&from).map_err(ReleaseError::disk("read", &from))?;
    let trust = release::Trust::compiled().map_err(ReleaseError::refused)?;
    let text = text.replace("@MANIFEST_URL@", &trust.manifest_url.to_string());
    let text = text.replace("@PUBLIC_KEYS@", trust.public_keys.trim());
    let to = out.join("install.sh");
    fs::write(&to, text).map_err(ReleaseError::disk("write", to))
}
