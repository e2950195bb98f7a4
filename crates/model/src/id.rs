//! Identities that programs make. Where they come from (chance) is the caller's affair.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal, $bytes:literal, $why:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Makes an identity of random bytes.
            #[must_use]
            pub fn from_random(bytes: [u8; $bytes]) -> Self {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                Self(format!("{}{hex}", $prefix))
            }

            /// Returns the identity as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                match text.strip_prefix($prefix) {
                    Some(hex) if is_hex(hex, $bytes * 2) => Ok(Self(text.to_owned())),
                    _ => Err(ParseError::new(text, $what, $why)),
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
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id_type!(
    /// The identity of a machine, for its whole life and in every path: 12 hexadecimal digits.
    VmId,
    "a machine id",
    "",
    6,
    "it must be 12 hexadecimal digits"
);
id_type!(
    /// The identity of one operation of the daemon, in errors and logs: `op-` and 12 hexadecimal digits.
    OpId,
    "an operation id",
    "op-",
    6,
    "it must be op- and 12 hexadecimal digits"
);

/// The identity of one boot of one kernel: what `/proc/sys/kernel/random/boot_id` says, a UUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BootId(String);

impl BootId {
    /// Returns the identity as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BootId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let groups: Vec<&str> = text.split('-').collect();
        let lengths = [8, 4, 4, 4, 12];
        let is_uuid = groups.len() == lengths.len()
            && groups.iter().zip(lengths).all(|(group, digits)| is_hex(group, digits));
        if is_uuid {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new(text, "a boot id", "it must be a lower-case UUID"))
        }
    }
}

impl TryFrom<String> for BootId {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<BootId> for String {
    fn from(id: BootId) -> Self {
        id.0
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_what_they_write_and_nothing_else() {
        let op = OpId::from_random([0, 1, 2, 0xfd, 0xfe, 0xff]);
        assert_eq!(op.as_str(), "op-000102fdfeff");
        assert_eq!(op.as_str().parse(), Ok(op));
        for text in ["", "op-", "000102fdfeff", "op-000102FDFEFF", "op-000102fdfeff0"] {
            assert!(text.parse::<OpId>().is_err(), "{text:?}");
        }
        for text in ["", "..", "000102fdfef", "op-000102fdfeff"] {
            assert!(text.parse::<VmId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_boot_id_is_a_uuid() {
        assert!("0f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11".parse::<BootId>().is_ok());
        for text in
            ["", "0f8b1f0e", "0F8B1F0E-7f0e-4a52-9d3c-0d6a8f3c2b11", "0f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11\n"]
        {
            assert!(text.parse::<BootId>().is_err(), "{text:?}");
        }
    }
}
