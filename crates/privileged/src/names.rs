//! Names of the network's parts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::RequestError;

/// The longest name of an interface, in bytes (`IFNAMSIZ` less the zero at its end).
const INTERFACE_BYTES_MAX: usize = 15;

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $is_one:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns it as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = RequestError;

            fn from_str(text: &str) -> Result<Self, RequestError> {
                if $is_one(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(RequestError::BadName { text: text.chars().take(80).collect(), what: $what })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = RequestError;

            fn try_from(text: String) -> Result<Self, RequestError> {
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

text_type!(
    /// The name of a network interface: 1 to 15 of `[A-Za-z0-9._-]`, a letter first.
    Interface,
    is_interface,
    "the name of a network interface"
);
text_type!(
    /// The address of a network card: six bytes in lower-case hexadecimal, colons between.
    Mac,
    is_mac,
    "the address of a network card"
);

fn is_interface(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    text.len() <= INTERFACE_BYTES_MAX
        && text.bytes().all(is_plain)
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
}

fn is_mac(text: &str) -> bool {
    let is_pair =
        |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    text.split(':').count() == 6 && text.split(':').all(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_means_something_elsewhere() {
        for (text, ok) in [
            ("banger0", true),
            ("bgr-0a1b2c3d", true),
            ("abcdefghijklmno", true),
            ("abcdefghijklmnop", false),
            ("", false),
            ("0a", false),
            ("-a", false),
            ("..", false),
            ("a b", false),
            ("a,b", false),
            ("a/b", false),
        ] {
            assert_eq!(text.parse::<Interface>().is_ok(), ok, "{text:?}");
        }
        for (text, ok) in [
            ("52:54:00:12:34:56", true),
            ("52:54:00:12:34", false),
            ("52:54:00:12:34:5G", false),
            ("52:54:00:12:34:56,x", false),
            ("52-54-00-12-34-56", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Mac>().is_ok(), ok, "{text:?}");
        }
    }
}
