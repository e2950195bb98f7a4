//! Where releases come from and whose they are, as this program was built.

use model::Class;
use serde::Deserialize;

use crate::{KeyError, Keys, Url, UrlError};

/// Where releases come from, and whom they are trusted from.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Where the manifest is.
    pub manifest_url: Url,
    /// Whose signature counts.
    pub keys: Keys,
    /// The same as the PEM that they were read from, for `install.sh`.
    pub public_keys: String,
}

/// Why it is not known where releases come from.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file is no TOML of the known form.
    #[error("packaging/release.toml cannot be read")]
    NotRead {
        /// What is wrong, and where.
        source: toml::de::Error,
    },
    /// The manifest lies where nothing may be fetched from.
    #[error("manifest_url in packaging/release.toml")]
    Place {
        /// What is wrong with it.
        source: UrlError,
    },
    /// A key is none.
    #[error("public_keys in packaging/release.toml")]
    Keys {
        /// What is wrong with it.
        source: KeyError,
    },
    /// The maintainer has set no server yet.
    #[error("this banger was built without the address of a release server")]
    NoServer,
}

impl TrustError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoServer => Class::Refused,
            _ => Class::Bug,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::NoServer)
            .then(|| "The maintainer sets manifest_url in packaging/release.toml.".to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    manifest_url: String,
    public_keys: Vec<String>,
}

impl Trust {
    /// What was compiled in.
    ///
    /// # Errors
    ///
    /// None in a build that passed its tests.
    pub fn compiled() -> Result<Self, TrustError> {
        Self::parse(include_str!("../../../packaging/release.toml"))
    }

    /// Reads `packaging/release.toml`.
    ///
    /// # Errors
    ///
    /// It is not of the known form.
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        let file: File = toml::from_str(text).map_err(|source| TrustError::NotRead { source })?;
        let public_keys = file.public_keys.concat();
        Ok(Self {
            manifest_url: file.manifest_url.parse().map_err(|source| TrustError::Place { source })?,
            keys: Keys::parse(&public_keys).map_err(|source| TrustError::Keys { source })?,
            public_keys,
        })
    }

    /// Where to fetch the manifest.
    ///
    /// # Errors
    ///
    /// [`TrustError::NoServer`]: the address is one that belongs to nobody.
    pub fn server(&self) -> Result<&Url, TrustError> {
        if self.manifest_url.is_nowhere() { Err(TrustError::NoServer) } else { Ok(&self.manifest_url) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is committed trusts nobody: a build from source cannot be led to a stranger's release.
    #[test]
    fn what_is_compiled_in_is_read_and_is_a_placeholder() {
        let trust = Trust::compiled().unwrap();
        assert_eq!(trust.keys.usable().map(Iterator::count), Err(KeyError::Placeholder));
        assert!(matches!(trust.server(), Err(TrustError::NoServer)));
    }

    #[test]
    fn a_real_one_is_usable() {
        let key = include_str!("keys/p256.pub");
        let text =
            |url: &str| format!("manifest_url = {url:?}\npublic_keys = ['''\n{key}''', '''\n{key}''']\n");
        let trust = Trust::parse(&text("https://example.org/manifest.json")).unwrap();
        assert_eq!(trust.keys.usable().map(Iterator::count), Ok(2));
        assert_eq!(trust.server().unwrap().to_string(), "https://example.org/manifest.json");
        assert!(matches!(Trust::parse(&text("http://example.org/")), Err(TrustError::Place { .. })));
        assert!(matches!(
            Trust::parse("manifest_url = 'https://x/'\npublic_keys = []"),
            Err(TrustError::Keys { .. })
        ));
        assert!(matches!(Trust::parse("x = 1"), Err(TrustError::NotRead { .. })));
    }
}
