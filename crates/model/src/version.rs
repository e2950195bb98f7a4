//! Versions of releases.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// The release that this program is of: `v1.2.3`. It is the workspace's version; a build that is to call itself something
/// else sets `BANGER_VERSION`, which `cargo xtask release` allows for tests alone.
pub const RELEASE: &str = match option_env!("BANGER_VERSION") {
    Some(version) => version,
    None => concat!("v", env!("CARGO_PKG_VERSION")),
};

/// A release's version: SemVer 2.0.0 with a `v` before it, without build metadata: `v1.2.3`, `v1.2.3-rc.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    core: [u64; 3],
    pre: Vec<Identifier>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identifier {
    // Numbers come before words (SemVer §11.4.3).
    Number(u64),
    Word(String),
}

fn number(text: &str) -> Option<u64> {
    let is_plain = text == "0" || !text.starts_with('0');
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain && is_digits { text.parse().ok() } else { None }
}

fn identifier(text: &str) -> Option<Identifier> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return number(text).map(Identifier::Number);
    }
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_word.then(|| Identifier::Word(text.to_owned()))
}

fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v')?;
    let (core, pre) = match text.split_once('-') {
        Some((core, pre)) => (core, Some(pre)),
        None => (text, None),
    };
    let core: Option<Vec<u64>> = core.split('.').map(number).collect();
    let pre: Option<Vec<Identifier>> =
        pre.map_or(Some(vec![]), |pre| pre.split('.').map(identifier).collect());
    Some(Version { core: core?.try_into().ok()?, pre: pre? })
}

/// The longest version, in bytes: it becomes the name of a directory.
const VERSION_BYTES_MAX: usize = 64;

impl FromStr for Version {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |why| ParseError::new(text, "a version", why);
        if text.len() > VERSION_BYTES_MAX {
            return Err(bad("it is longer than 64 characters"));
        }
        parse(text).ok_or_else(|| bad("it must be like v1.2.3 or v1.2.3-rc.1"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.core;
        write!(f, "v{major}.{minor}.{patch}")?;
        for (index, part) in self.pre.iter().enumerate() {
            let mark = if index == 0 { '-' } else { '.' };
            match part {
                Identifier::Number(number) => write!(f, "{mark}{number}")?,
                Identifier::Word(word) => write!(f, "{mark}{word}")?,
            }
        }
        Ok(())
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // A release comes after all of its candidates (SemVer §11.3).
        let rank = |version: &Self| version.pre.is_empty();
        (self.core, rank(self), &self.pre).cmp(&(other.core, rank(other), &other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<String> for Version {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_release_has_a_version() {
        assert_eq!(RELEASE.parse::<Version>().unwrap().to_string(), RELEASE);
    }

    #[test]
    fn versions_are_semver_with_a_v() {
        for (text, ok) in [
            ("v0.0.0", true),
            ("v1.2.3-rc.1", true),
            ("v1.2.3-x-y.10.0", true),
            ("1.2.3", false),
            ("v1.2", false),
            ("v1.2.3.4", false),
            ("v01.2.3", false),
            ("v1.2.3-", false),
            ("v1.2.3-01", false),
            ("v1.2.3+build", false),
            ("v1.2.3/../..", false),
            ("v99999999999999999999.0.0", false),
            ("", false),
        ] {
            let read = text.parse::<Version>();
            assert_eq!(read.is_ok(), ok, "{text:?}");
            if let Ok(version) = read {
                assert_eq!(version.to_string(), text);
            }
        }
    }

    /// The order of SemVer §11.4's own example.
    #[test]
    fn they_are_ordered_as_semver_says() {
        let order = [
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1.0.0",
            "v1.0.10",
            "v2.0.0",
        ];
        let versions: Vec<Version> = order.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted_by(|a, b| a < b));
    }
}
