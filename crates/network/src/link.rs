//! Names and hardware addresses of interfaces.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use model::ParseError;
use serde::{Deserialize, Serialize};

/// The longest name of an interface, in bytes: the kernel's `IFNAMSIZ` without the closing zero.
const NAME_BYTES_MAX: usize = 15;

/// The name of an interface of the host: 1 to 15 of `[a-zA-Z0-9._@-]`, not `.` or `..`.
///
/// The kernel allows more; what stands in rules and paths is kept to what needs no quoting there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

impl IfName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(text: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        Some("it must have 1 to 15 characters")
    } else if !text.bytes().all(is_plain) {
        Some("only letters, digits, ., _, @ and - may stand in it")
    } else if matches!(text, "." | ".." | "all" | "default") {
        Some("the kernel means something else by it")
    } else {
        None
    }
}

impl FromStr for IfName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(why) => Err(ParseError::new(text, "an interface's name", why)),
        }
    }
}

impl TryFrom<String> for IfName {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> Self {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac([u8; 6]);

impl Mac {
    /// Makes the hardware address that belongs to `address`: `02:b6` and its four bytes. The bit for
    /// "locally administered" is set, the one for "group" is not.
    #[must_use]
    pub fn of(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0xb6, a, b, c, d])
    }

    /// Returns its bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = || ParseError::new(text, "a hardware address", "it must be six bytes: 02:00:00:00:00:01");
        let mut bytes = [0; 6];
        let mut pairs = text.split(':');
        for byte in &mut bytes {
            let pair =
                pairs.next().filter(|pair| pair.len() == 2 && !pair.starts_with('+')).ok_or_else(bad)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        if pairs.next().is_some() { Err(bad()) } else { Ok(Self(bytes)) }
    }
}

impl TryFrom<String> for Mac {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_interfaces_need_no_quoting_anywhere() {
        for (text, ok) in [
            ("banger0", true),
            ("eth0.100", true),
            ("br-0123456789ab", true),
            ("br-0123456789abc", false),
            ("", false),
            (".", false),
            ("..", false),
            ("all", false),
            ("default", false),
            ("a/b", false),
            ("a b", false),
            ("a\"b", false),
            ("a*", false),
            ("é", false),
        ] {
            assert_eq!(text.parse::<IfName>().is_ok(), ok, "{text:?}");
        }
    }

    #[test]
    fn a_hardware_address_follows_from_the_address_and_is_local_and_single() {
        let mac = Mac::of(Ipv4Addr::new(172, 30, 0, 2));
        assert_eq!(mac.to_string(), "02:b6:ac:1e:00:02");
        assert_eq!(mac.to_string().parse(), Ok(mac));
        assert_eq!(mac.bytes()[0] & 0b11, 0b10);
        for text in ["", "02:b6:ac:1e:00", "02:b6:ac:1e:00:02:03", "2:b6:ac:1e:00:02", "+2:b6:ac:1e:00:02"] {
            assert!(text.parse::<Mac>().is_err(), "{text:?}");
        }
    }
}
