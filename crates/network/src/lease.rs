//! What one machine has of the host's network and user numbers, and the book of all of it.
//!
//! No address, user number, tap, name or machine stands in the book twice; a book that was read and
//! breaks this is refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
};

use model::{Class, ParseError, VmId, VmName};
use serde::{Deserialize, Serialize};

use crate::{
    link::{IfName, Mac},
    subnet::Subnet,
    uids::UidRange,
};

/// What the name of every tap of ours begins with.
pub const TAP_PREFIX: &str = "bgr-";
/// How many hexadecimal digits follow: an interface's name has at most 15 bytes.
const TAP_DIGITS: usize = 8;

/// The name of a machine's tap: `bgr-` and 8 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TapName(IfName);

impl TapName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn of_digits(digits: &str) -> Option<Self> {
        format!("{TAP_PREFIX}{digits}").try_into().ok()
    }

    /// The first eight digits of the machine's id; where another machine has that name, eight later
    /// ones, and in the end a number.
    fn free(id: &VmId, is_taken: impl Fn(&Self) -> bool) -> Option<Self> {
        let digits = id.as_str();
        let parts = (0..=digits.len().saturating_sub(TAP_DIGITS))
            .filter_map(|from| Self::of_digits(digits.get(from..from + TAP_DIGITS)?));
        let numbers = (0..=u32::MAX).filter_map(|number| Self::of_digits(&format!("{number:08x}")));
        parts.chain(numbers).find(|tap| !is_taken(tap))
    }
}

impl TryFrom<String> for TapName {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match text.strip_prefix(TAP_PREFIX) {
            Some(digits) if digits.len() == TAP_DIGITS && digits.bytes().all(is_digit) => {
                IfName::try_from(text).map(Self)
            }
            _ => Err(ParseError::new(&text, "a tap's name", "it must be bgr- and 8 hexadecimal digits")),
        }
    }
}

impl From<TapName> for String {
    fn from(tap: TapName) -> Self {
        tap.0.into()
    }
}

impl fmt::Display for TapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What one machine has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The machine.
    pub id: VmId,
    /// Its name; the host knows it as `<name>.vm`.
    pub name: VmName,
    /// The user number that its monitor and its link run as.
    pub uid: u32,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address.
    pub mac: Mac,
    /// Its tap.
    pub tap: TapName,
    /// Whether it reaches the world outside the host.
    pub nat: bool,
}

/// Why a lease is not given. The book is as it was.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another machine has the name.
    #[error("machine {by} is called {name}")]
    NameTaken {
        /// The name.
        name: VmName,
        /// Who has it.
        by: VmId,
    },
    /// No address or user number is left.
    #[error("{subnet} has no address left for another machine; {machines} have one")]
    Full {
        /// The subnet.
        subnet: Subnet,
        /// How many machines have a lease.
        machines: usize,
    },
}

impl LeaseError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NameTaken { .. } => Class::Usage,
            Self::Full { .. } => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NameTaken { .. } => "Choose another name.".to_owned(),
            Self::Full { .. } => "Remove machines that are no longer needed: banger vm prune".to_owned(),
        })
    }
}

/// Why a book that was read is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeasesError {
    /// A later release wrote it.
    #[error("it was written in form {schema}; this release reads form {SCHEMA}")]
    Schema {
        /// Its form.
        schema: u32,
    },
    /// Something stands in it twice.
    #[error("{what} stands in it twice")]
    Twice {
        /// What.
        what: String,
    },
    /// Something in it does not belong to the subnet or the range of user numbers.
    #[error("{what} lies outside of what is ours")]
    Outside {
        /// What.
        what: String,
    },
}

/// The form of the book as it is kept.
const SCHEMA: u32 = 1;

/// The book as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    schema: u32,
    subnet: Subnet,
    first_uid: UidRange,
    leases: Vec<Lease>,
}

/// Who has what, and from which subnet and range of user numbers. Both are chosen once, and stay for as
/// long as the book has a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Book", into = "Book")]
pub struct Leases {
    subnet: Subnet,
    uids: UidRange,
    held: BTreeMap<VmId, Lease>,
}

impl Leases {
    /// Begins an empty book.
    #[must_use]
    pub fn new(subnet: Subnet, uids: UidRange) -> Self {
        Self { subnet, uids, held: BTreeMap::new() }
    }

    /// The subnet that the addresses are from.
    #[must_use]
    pub fn subnet(&self) -> Subnet {
        self.subnet
    }

    /// The range that the user numbers are from.
    #[must_use]
    pub fn uids(&self) -> UidRange {
        self.uids
    }

    /// What one machine has; `None` if nothing.
    #[must_use]
    pub fn get(&self, id: &VmId) -> Option<&Lease> {
        self.held.get(id)
    }

    /// Every lease, by the machine's id.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.held.values()
    }

    /// How many machines have a lease.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether no machine has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Gives a machine the lowest address and user number that are free. One that has a lease keeps it;
    /// its name and whether it reaches outside become what is asked.
    ///
    /// # Errors
    ///
    /// [`LeaseError`]; the book is as it was.
    pub fn grant(&mut self, id: &VmId, name: &VmName, nat: bool) -> Result<Lease, LeaseError> {
        if let Some(other) = self.iter().find(|lease| lease.name == *name && lease.id != *id) {
            return Err(LeaseError::NameTaken { name: name.clone(), by: other.id.clone() });
        }
        let lease = match self.held.get(id) {
            Some(held) => Lease { name: name.clone(), nat, ..held.clone() },
            None => self.free(id, name, nat)?,
        };
        self.held.insert(id.clone(), lease.clone());
        Ok(lease)
    }

    fn free(&self, id: &VmId, name: &VmName, nat: bool) -> Result<Lease, LeaseError> {
        let full = || LeaseError::Full { subnet: self.subnet, machines: self.len() };
        let addresses: BTreeSet<Ipv4Addr> = self.iter().map(|lease| lease.address).collect();
        let uids: BTreeSet<u32> = self.iter().map(|lease| lease.uid).collect();
        let taps: BTreeSet<&TapName> = self.iter().map(|lease| &lease.tap).collect();
        let address = self.subnet.guests().find(|one| !addresses.contains(one)).ok_or_else(full)?;
        let uid = self.uids.numbers().find(|one| !uids.contains(one)).ok_or_else(full)?;
        let tap = TapName::free(id, |one| taps.contains(one)).ok_or_else(full)?;
        Ok(Lease { id: id.clone(), name: name.clone(), uid, address, mac: Mac::of(address), tap, nat })
    }

    /// Takes back what a machine has and returns it; `None` if it had nothing.
    pub fn release(&mut self, id: &VmId) -> Option<Lease> {
        self.held.remove(id)
    }
}

impl From<Leases> for Book {
    fn from(leases: Leases) -> Self {
        Self {
            schema: SCHEMA,
            subnet: leases.subnet,
            first_uid: leases.uids,
            leases: leases.held.into_values().collect(),
        }
    }
}

impl TryFrom<Book> for Leases {
    type Error = LeasesError;

    fn try_from(book: Book) -> Result<Self, LeasesError> {
        if book.schema != SCHEMA {
            return Err(LeasesError::Schema { schema: book.schema });
        }
        let mut seen = BTreeSet::new();
        for lease in &book.leases {
            let outside = |what: String| Err(LeasesError::Outside { what });
            if !book.subnet.is_guest(lease.address) || lease.mac != Mac::of(lease.address) {
                return outside(format!("{} with {}", lease.address, lease.mac));
            }
            if !book.first_uid.contains(lease.uid) {
                return outside(format!("user number {}", lease.uid));
            }
            let once = [
                format!("machine {}", lease.id),
                format!("name {}", lease.name),
                format!("user number {}", lease.uid),
                format!("address {}", lease.address),
                format!("tap {}", lease.tap),
            ];
            for what in once {
                if !seen.insert(what.clone()) {
                    return Err(LeasesError::Twice { what });
                }
            }
        }
        let held = book.leases.into_iter().map(|lease| (lease.id.clone(), lease)).collect();
        Ok(Self { subnet: book.subnet, uids: book.first_uid, held })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn book(subnet: &str) -> Leases {
        Leases::new(subnet.parse().unwrap(), UidRange::new(0x7000_0000).unwrap())
    }

    fn id(text: &str) -> VmId {
        text.parse().unwrap()
    }

    fn name(text: &str) -> VmName {
        text.parse().unwrap()
    }

    #[test]
    fn the_lowest_that_is_free_is_given_and_kept() {
        let mut book = book("172.30.0.0/16");
        let first = book.grant(&id("00010203fdfe"), &name("one"), true).unwrap();
        assert_eq!((first.address.to_string(), first.uid), ("172.30.0.2".to_owned(), 0x7000_0000));
        assert_eq!(
            (first.mac.to_string(), first.tap.as_str()),
            ("02:b6:ac:1e:00:02".to_owned(), "bgr-00010203")
        );
        let second = book.grant(&id("000000000002"), &name("two"), false).unwrap();
        assert_eq!((second.address.to_string(), second.uid), ("172.30.0.3".to_owned(), 0x7000_0001));

        let again = book.grant(&first.id, &name("renamed"), false).unwrap();
        assert_eq!(again, Lease { name: name("renamed"), nat: false, ..first.clone() });
        assert_eq!(book.get(&first.id), Some(&again));
        let error = book.grant(&first.id, &name("two"), true).unwrap_err();
        assert_eq!(error, LeaseError::NameTaken { name: name("two"), by: second.id.clone() });
        assert_eq!(book.get(&first.id), Some(&again), "a refusal changes nothing");

        assert_eq!(book.release(&first.id), Some(again));
        assert_eq!(book.release(&first.id), None);
        let third = book.grant(&id("000000000003"), &name("one"), true).unwrap();
        assert_eq!((third.address, third.uid), (first.address, first.uid));
    }

    #[test]
    fn taps_of_machines_whose_ids_begin_alike_differ() {
        let mut book = book("172.30.0.0/16");
        let mut tap = |digits: &str| {
            book.grant(&id(digits), &name(&format!("m{digits}")), true).unwrap().tap.to_string()
        };
        assert_eq!(tap("aaaaaaaaaaaa"), "bgr-aaaaaaaa");
        assert_eq!(tap("aaaaaaaaaaab"), "bgr-aaaaaaab");
        assert_eq!(tap("aaaaaaaabbbb"), "bgr-aaaaaaab".replace("aaab", "aabb"));
    }

    #[test]
    fn a_full_subnet_is_refused() {
        let mut book = book("192.168.77.0/28");
        for number in 0..13 {
            book.grant(&id(&format!("{number:012x}")), &name(&format!("m{number}")), true).unwrap();
        }
        let error = book.grant(&id("ffffffffffff"), &name("one-more"), true).unwrap_err();
        assert_eq!(error.to_string(), "192.168.77.0/28 has no address left for another machine; 13 have one");
        assert_eq!(book.len(), 13);
    }

    #[test]
    fn the_book_reads_what_it_wrote_and_refuses_what_cannot_be() {
        let mut book = book("172.30.0.0/16");
        book.grant(&id("00010203fdfe"), &name("one"), true).unwrap();
        book.grant(&id("000000000002"), &name("two"), false).unwrap();
        let text = serde_json::to_string_pretty(&book).unwrap();
        insta::assert_snapshot!(text);
        assert_eq!(serde_json::from_str::<Leases>(&text).unwrap(), book);
        for (from, to, why) in [
            ("\"schema\": 1", "\"schema\": 2", "form 2"),
            ("\"name\": \"two\"", "\"name\": \"one\"", "name one stands in it twice"),
            ("00010203fdfe", "000000000002", "machine 000000000002 stands in it twice"),
            ("1879048193", "1879048192", "user number 1879048192 stands in it twice"),
            ("1879048193", "0", "user number 0 lies outside"),
            ("172.30.0.3\"", "172.30.0.2\"", "lies outside"),
            ("bgr-00010203", "bgr-00000000", "tap bgr-00000000 stands in it twice"),
            ("bgr-00010203", "eth0", "is not a tap's name"),
            ("172.30.0.0/16", "172.29.0.0/16", "lies outside"),
            ("\"nat\": true", "\"nat\": true, \"more\": 1", ""),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            match serde_json::from_str::<Leases>(&changed) {
                Ok(_) => assert_eq!(why, "", "{from} → {to}"),
                Err(error) => assert!(error.to_string().contains(why) && !why.is_empty(), "{error}"),
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Grant(u8, u8, bool),
        Release(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0..20_u8, 0..20_u8, any::<bool>()).prop_map(|(id, name, nat)| Step::Grant(id, name, nat)),
            1 => (0..20_u8).prop_map(Step::Release),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn nothing_is_ever_given_twice(steps in steps()) {
            let mut book = book("10.9.8.16/28");
            for step in steps {
                let before = book.clone();
                match step {
                    // Ids that begin alike, so that taps collide.
                    Step::Grant(number, called, nat) => {
                        let id = id(&format!("aaaaaaaa{number:04x}"));
                        let had = book.get(&id).cloned();
                        if let Ok(lease) = book.grant(&id, &name(&format!("m{called}")), nat) {
                                prop_assert_eq!(book.get(&id), Some(&lease));
                                if let Some(had) = had {
                                    prop_assert_eq!((had.address, had.uid, had.tap), (lease.address, lease.uid, lease.tap));
                                }
                        } else {
                            prop_assert_eq!(&book, &before);
                        }
                    }
                    Step::Release(number) => {
                        book.release(&id(&format!("aaaaaaaa{number:04x}")));
                    }
                }
                // Reading it back checks every invariant.
                let text = serde_json::to_string(&book).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Leases>(&text).unwrap(), &book);
            }
        }
    }
}
