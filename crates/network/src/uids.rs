//! Which user numbers are ours: one a machine, and nobody else's.

use serde::{Deserialize, Serialize};

use model::Class;

/// How many numbers a range has.
pub const UIDS: u32 = 65_536;

/// The highest number that a range may end with: programs that keep them in 32 bits with a sign live on.
const LAST_MAX: u32 = i32::MAX.unsigned_abs();
/// Numbers below belong to the system and to people.
const BASE_MIN: u32 = 65_536;
/// Where the search begins: systemd leaves everything from here to its own foreign range unused.
const SEARCH_FROM: u32 = 0x7000_0000;
/// How many places are looked at.
const SEARCH_MAX: u32 = 256;

/// 65,536 user and group numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct UidRange(u32);

impl UidRange {
    /// Takes the first number.
    ///
    /// # Errors
    ///
    /// [`UidRangeError::OutOfBounds`] where the range would hold numbers of the system's, or ones that
    /// are too high.
    pub fn new(base: u32) -> Result<Self, UidRangeError> {
        if (BASE_MIN..=LAST_MAX - UIDS + 1).contains(&base) {
            Ok(Self(base))
        } else {
            Err(UidRangeError::OutOfBounds { base })
        }
    }

    /// The first number.
    #[must_use]
    pub fn base(self) -> u32 {
        self.0
    }

    /// Whether the number is one of ours.
    #[must_use]
    pub fn contains(self, number: u32) -> bool {
        (self.0..self.0 + UIDS).contains(&number)
    }

    /// Every number, from the lowest.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        self.0..self.0 + UIDS
    }
}

impl TryFrom<u32> for UidRange {
    type Error = UidRangeError;

    fn try_from(base: u32) -> Result<Self, UidRangeError> {
        Self::new(base)
    }
}

impl From<UidRange> for u32 {
    fn from(range: UidRange) -> Self {
        range.0
    }
}

/// Why no range of numbers can be ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UidRangeError {
    /// The configured range is no possible one.
    #[error("no range of user numbers may begin at {base}")]
    OutOfBounds {
        /// Its first number.
        base: u32,
    },
    /// Somebody has numbers of the configured range.
    #[error("user numbers from {base} on are taken: {by}")]
    Taken {
        /// The first number of the range.
        base: u32,
        /// Who has them: the line and its file.
        by: String,
    },
    /// Somebody has numbers of every range that was looked at.
    #[error("every range of user numbers that was looked at is taken, the last by {by}")]
    NoneFree {
        /// Who has numbers of the last of them.
        by: String,
    },
}

impl UidRangeError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::OutOfBounds { .. } => Class::Usage,
            Self::Taken { .. } | Self::NoneFree { .. } => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(
            "Set uid_base in /etc/banger/config.toml to the first of 65536 numbers that nobody has."
                .to_owned(),
        )
    }
}

/// The texts that say who has which number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accounts<'a> {
    /// `/etc/passwd`.
    pub passwd: &'a str,
    /// `/etc/group`.
    pub group: &'a str,
    /// `/etc/subuid`; empty where it is not there.
    pub subuid: &'a str,
    /// `/etc/subgid`; empty where it is not there.
    pub subgid: &'a str,
}

/// Numbers that somebody has: the first, how many, and whose.
struct Taken<'a> {
    first: u64,
    count: u64,
    line: &'a str,
    file: &'static str,
}

impl<'a> Accounts<'a> {
    /// What cannot be read says nothing about numbers and is passed over.
    fn taken(self) -> Vec<Taken<'a>> {
        let single = |text: &'a str, fields: &'static [usize], file| {
            text.lines().flat_map(move |line| {
                fields.iter().filter_map(move |&field| {
                    let first = line.split(':').nth(field)?.trim().parse().ok()?;
                    Some(Taken { first, count: 1, line, file })
                })
            })
        };
        let ranges = |text: &'a str, file| {
            text.lines().filter_map(move |line| {
                let mut fields = line.split(':').skip(1).map(|field| field.trim().parse().ok());
                Some(Taken { first: fields.next()??, count: fields.next()??, line, file })
            })
        };
        single(self.passwd, &[2, 3], "/etc/passwd")
            .chain(single(self.group, &[2], "/etc/group"))
            .chain(ranges(self.subuid, "/etc/subuid"))
            .chain(ranges(self.subgid, "/etc/subgid"))
            .collect()
    }
}

fn taker(range: UidRange, taken: &[Taken<'_>]) -> Option<String> {
    let (base, count) = (u64::from(range.base()), u64::from(UIDS));
    let found =
        taken.iter().find(|one| one.first < base + count && base < one.first.saturating_add(one.count));
    // The password field of a line, where it has one, is nobody's to repeat.
    found.map(|one| format!("{} in {}", one.line.split(':').next().unwrap_or_default(), one.file))
}

/// Finds numbers that nobody has, or checks the configured ones.
///
/// # Errors
///
/// [`UidRangeError`], with who has them.
pub fn find_uids(configured: Option<u32>, accounts: Accounts<'_>) -> Result<UidRange, UidRangeError> {
    let taken = accounts.taken();
    if let Some(base) = configured {
        let range = UidRange::new(base)?;
        return match taker(range, &taken) {
            None => Ok(range),
            Some(by) => Err(UidRangeError::Taken { base, by }),
        };
    }
    let mut last = String::new();
    for place in 0..SEARCH_MAX {
        let range = UidRange::new(SEARCH_FROM + place * UIDS)?;
        match taker(range, &taken) {
            None => return Ok(range),
            Some(by) => last = by,
        }
    }
    Err(UidRangeError::NoneFree { by: last })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/sh\n+::::::\nnonsense\nme:secret:1000:1000::/home/me:/bin/sh\n";

    #[test]
    fn numbers_that_nobody_has_are_found() {
        let plain = Accounts { passwd: PASSWD, subuid: "me:100000:65536\n", ..Accounts::default() };
        assert_eq!(find_uids(None, plain).unwrap().base(), 0x7000_0000);
        let all_below = Accounts { subgid: "big:524288:1878581248\n", ..plain };
        assert_eq!(find_uids(None, all_below).unwrap().base(), 0x7000_0000 + UIDS);
        let by_group = Accounts { group: "g:x:1879048193:\n", ..plain };
        assert_eq!(find_uids(None, by_group).unwrap().base(), 0x7000_0000 + UIDS);
        let by_primary_group = Accounts { passwd: "a:x:5:1879048192:::\n", ..plain };
        assert_eq!(find_uids(None, by_primary_group).unwrap().base(), 0x7000_0000 + UIDS);
        let everything = Accounts { subuid: "all:0:4294967295\n", ..plain };
        let error = find_uids(None, everything).unwrap_err();
        assert_eq!(error, UidRangeError::NoneFree { by: "all in /etc/subuid".to_owned() });
    }

    #[test]
    fn configured_numbers_are_checked() {
        let accounts = Accounts { passwd: PASSWD, subuid: "me:200000:65536\n", ..Accounts::default() };
        let taken = |base, by: &str| Err(UidRangeError::Taken { base, by: by.to_owned() });
        for (base, want) in [
            (265_536, Ok(265_536)),
            (265_535, taken(265_535, "me in /etc/subuid")),
            (134_464, Ok(134_464)),
            (134_465, taken(134_465, "me in /etc/subuid")),
            (0, Err(UidRangeError::OutOfBounds { base: 0 })),
            (65_535, Err(UidRangeError::OutOfBounds { base: 65_535 })),
            (0x7fff_0000, Ok(0x7fff_0000)),
            (0x7fff_0001, Err(UidRangeError::OutOfBounds { base: 0x7fff_0001 })),
            (u32::MAX, Err(UidRangeError::OutOfBounds { base: u32::MAX })),
        ] {
            assert_eq!(find_uids(Some(base), accounts).map(UidRange::base), want, "{base}");
        }
    }
}
