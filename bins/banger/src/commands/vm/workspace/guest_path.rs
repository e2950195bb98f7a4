//! Where a repository lies in a guest.

use std::{fmt, str::FromStr};

/// An absolute path of a directory in a guest, without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuestPath(String);

/// Where a repository lies where nothing else is asked for.
const USUAL: &str = "/root/repo";

impl Default for GuestPath {
    fn default() -> Self {
        Self(USUAL.to_owned())
    }
}

impl GuestPath {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last part.
    pub(super) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for GuestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GuestPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        let is_path = text.starts_with('/')
            && !parts.iter().any(|part| matches!(*part, "." | "..") || part.contains(['\0', '\n']));
        if is_path {
            return Ok(Self(format!("/{}", parts.join("/"))));
        }
        Err(format!("{text:?} is no directory of a guest: it must be absolute, like {USUAL}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_guest_is_absolute_and_no_detour() {
        for (text, expected) in [
            ("/root/repo", Some("/root/repo")),
            ("/srv//a/", Some("/srv/a")),
            ("/", Some("/")),
            ("", None),
            ("repo", None),
            ("/a/../b", None),
            ("/a/./b", None),
            ("/a\nb", None),
        ] {
            let path = text.parse::<GuestPath>().ok();
            assert_eq!(path.as_ref().map(GuestPath::as_str), expected, "{text:?}");
        }
    }
}
