//! Paths that the owner names.

use std::{
    fmt,
    path::{Component, Path},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{RequestError, limits::PATH_BYTES_MAX};

/// A file beneath the daemon's state directory: relative, 1 to 512 bytes of `[A-Za-z0-9._-/]`, without an empty
/// component, `.` or `..`.
///
/// It says where a file is looked for and nothing about what is there: whoever opens it follows no link on the
/// way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StatePath(String);

impl StatePath {
    /// Takes a file's absolute path, which has to lie beneath `state`.
    ///
    /// # Errors
    ///
    /// [`RequestError::BadPath`]; it lies elsewhere, or is none.
    pub fn beneath(state: &Path, file: &Path) -> Result<Self, RequestError> {
        let relative = file.strip_prefix(state).ok();
        let plain =
            relative.filter(|path| path.components().all(|part| matches!(part, Component::Normal(_))));
        match plain.and_then(Path::to_str) {
            Some(text) => text.parse(),
            None => Err(bad(&file.to_string_lossy(), "it does not lie beneath the state directory")),
        }
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says what keeps `text` from being a path beneath the state directory; `None` if nothing does.
fn fault(text: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > PATH_BYTES_MAX {
        Some("it is longer than 512 bytes")
    } else if text.starts_with('/') {
        Some("it is not relative")
    } else if !text.bytes().all(is_plain) {
        Some("only letters, digits and . _ - / may stand in it")
    } else if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Some("no component may be empty, . or ..")
    } else {
        None
    }
}

fn bad(text: &str, why: &'static str) -> RequestError {
    RequestError::BadPath { path: text.chars().take(80).collect(), why }
}

impl FromStr for StatePath {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(bad(text, why)),
        }
    }
}

impl TryFrom<String> for StatePath {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, RequestError> {
        text.parse()
    }
}

impl From<StatePath> for String {
    fn from(path: StatePath) -> Self {
        path.0
    }
}

impl fmt::Display for StatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_plain_and_lead_down() {
        let long = "a".repeat(513);
        for (text, ok) in [
            ("kernels/6.1.0-40_x/vmlinux", true),
            ("a", true),
            ("..a/b..", true),
            (&long[..512], true),
            (&long, false),
            ("", false),
            ("/etc/shadow", false),
            ("../x", false),
            ("a/../b", false),
            ("a/..", false),
            ("./a", false),
            ("a/./b", false),
            ("a//b", false),
            ("a/", false),
            ("a b", false),
            ("a\nb", false),
            ("a\0b", false),
            ("a,b", false),
            ("é", false),
        ] {
            assert_eq!(text.parse::<StatePath>().is_ok(), ok, "{text:?}");
        }
    }

    #[test]
    fn a_file_is_named_from_the_state_directory_down() {
        let state = Path::new("/var/lib/banger");
        let named = |file: &str| StatePath::beneath(state, Path::new(file)).map(String::from).ok();
        assert_eq!(named("/var/lib/banger/kernels/k").as_deref(), Some("kernels/k"));
        for file in ["/var/lib/banger", "/var/lib/banger-root/k", "/var/lib/banger/../x", "kernels/k"] {
            assert_eq!(named(file), None, "{file:?}");
        }
    }
}
