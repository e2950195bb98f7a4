//! Names that people choose.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

/// The longest name, in bytes: a DNS label (RFC 1035 §2.3.4), since a machine is reached as `<name>.vm`.
pub const NAME_BYTES_MAX: usize = 63;

/// Says what keeps `text` from being a name; `None` if nothing does.
fn fault(text: &str, extra: &[u8]) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > NAME_BYTES_MAX {
        Some("it is longer than 63 characters")
    } else if !text.bytes().all(|byte| is_plain(byte) || extra.contains(&byte)) {
        Some(if extra.is_empty() {
            "only a-z, 0-9 and - may stand in it"
        } else {
            "only a-z, 0-9, -, _ and . may stand in it"
        })
    } else if !text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        || !text.bytes().last().is_some_and(|byte| byte.is_ascii_alphanumeric())
    {
        Some("it must begin and end with a letter or a digit")
    } else {
        None
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $extra:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                match fault(text, $extra) {
                    None => Ok(Self(text.to_owned())),
                    Some(why) => Err(ParseError::new(text, $what, why)),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseError;

            fn try_from(text: String) -> Result<Self, ParseError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a machine: 1 to 63 of `[a-z0-9-]`, no hyphen at an edge.
    VmName,
    "a machine name",
    b""
);
name_type!(
    /// The name of an image: 1 to 63 of `[a-z0-9._-]`, a letter or digit at each edge.
    ImageName,
    "an image name",
    b"._"
);
name_type!(
    /// The name of a kernel: 1 to 63 of `[a-z0-9._-]`, a letter or digit at each edge.
    KernelName,
    "a kernel name",
    b"._"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        let long = "a".repeat(64);
        let table: &[(&str, Option<&str>)] = &[
            ("a", None),
            ("my-box-2", None),
            (&long[..63], None),
            (&long, Some("it is longer than 63 characters")),
            ("", Some("it is empty")),
            ("-a", Some("it must begin and end with a letter or a digit")),
            ("a-", Some("it must begin and end with a letter or a digit")),
            ("My", Some("only a-z, 0-9 and - may stand in it")),
            ("a.b", Some("only a-z, 0-9 and - may stand in it")),
            ("../x", Some("only a-z, 0-9 and - may stand in it")),
            ("a\nb", Some("only a-z, 0-9 and - may stand in it")),
            ("é", Some("only a-z, 0-9 and - may stand in it")),
        ];
        for (text, want) in table {
            let why = text.parse::<VmName>().err().map(|error| error.why());
            assert_eq!(why, *want, "{text:?}");
        }
    }

    #[test]
    fn kernel_names_may_be_versions_but_no_paths() {
        assert!("6.1.0-40-cloud-amd64".parse::<KernelName>().is_ok());
        for text in ["..", ".", "a/b", ".hidden"] {
            assert!(text.parse::<KernelName>().is_err(), "{text:?}");
        }
    }
}
