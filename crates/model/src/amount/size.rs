//! Amounts of memory and disk.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ParseError;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const TIB: u64 = 1024 * GIB;

/// An amount of memory or disk, kept in bytes.
///
/// Typed as `512M`, `4G`, `4GiB`; a bare number is MiB. Written with the largest unit that leaves
/// a whole number, so that reading what was written gives the same amount. In JSON a number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(u64);

impl Size {
    /// An amount given in bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// An amount given in MiB; the largest there is where it would not fit.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(MIB))
    }

    /// An amount given in GiB; the largest there is where it would not fit.
    #[must_use]
    pub const fn from_gib(gib: u64) -> Self {
        Self(gib.saturating_mul(GIB))
    }

    /// Returns the amount in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns the whole MiB in the amount.
    #[must_use]
    pub const fn mib(self) -> u64 {
        self.0 / MIB
    }

    /// Adds; the largest there is where it would not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(TIB, "T"), (GIB, "G"), (MIB, "M"), (KIB, "K")];
        let whole = units.iter().find(|(unit, _)| self.0 != 0 && self.0.is_multiple_of(*unit));
        match whole {
            Some((unit, letter)) => f.pad(&format!("{}{letter}", self.0 / unit)),
            None => f.pad(&format!("{}B", self.0)),
        }
    }
}

impl FromStr for Size {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |why| ParseError::new(text, "a size", why);
        let split = text.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, unit) = text.split_at(split);
        if digits.is_empty() {
            return Err(bad("it must be a whole number with a unit, such as 512M or 4G"));
        }
        let unit = match unit.to_ascii_lowercase().as_str() {
            "b" => 1,
            "k" | "kib" => KIB,
            "" | "m" | "mib" => MIB,
            "g" | "gib" => GIB,
            "t" | "tib" => TIB,
            _ => return Err(bad("its unit must be one of K, M, G, T (or KiB, MiB, GiB, TiB)")),
        };
        let count = digits.parse::<u64>().ok();
        count.and_then(|count| count.checked_mul(unit)).map(Self).ok_or_else(|| bad("it is too large"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_read_as_people_type_them() {
        let table: &[(&str, Option<u64>)] = &[
            ("512", Some(512 * MIB)),
            ("512M", Some(512 * MIB)),
            ("512m", Some(512 * MIB)),
            ("4G", Some(4 * GIB)),
            ("4GiB", Some(4 * GIB)),
            ("4KiB", Some(4096)),
            ("1T", Some(TIB)),
            ("7B", Some(7)),
            ("0", Some(0)),
            ("", None),
            ("G", None),
            ("-1G", None),
            ("1.5G", None),
            ("4GB", None),
            ("4 G", None),
            ("99999999999999999999", None),
            ("99999999999T", None),
        ];
        for (text, want) in table {
            assert_eq!(text.parse::<Size>().ok().map(Size::bytes), *want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_as_the_same_amount(bytes: u64) {
            let size = Size::from_bytes(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}
