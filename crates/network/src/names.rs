//! `<name>.vm` in the host's own `/etc/hosts`.

use fence::{Fence, FenceError, Place};

use crate::lease::Lease;

const MACHINES: Fence = Fence::new("machines");

/// Puts the names of all machines into the text: in place of the block that is there, or at the end. No
/// lease is no block.
///
/// # Errors
///
/// [`FenceError`] where a fence does not both begin and end.
pub fn with_block<'a>(text: &str, leases: impl IntoIterator<Item = &'a Lease>) -> Result<String, FenceError> {
    let mut leases: Vec<&Lease> = leases.into_iter().collect();
    leases.sort_by_key(|lease| lease.address);
    let lines: Vec<String> =
        leases.iter().map(|lease| format!("{}\t{}.vm", lease.address, lease.name)).collect();
    MACHINES.with(text, Place::End, &lines)
}

/// Takes the block out of the text, if there is one.
///
/// # Errors
///
/// [`FenceError`] where a fence does not both begin and end.
pub fn without_block(text: &str) -> Result<String, FenceError> {
    MACHINES.without(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lease::Leases, uids::UidRange};

    #[test]
    fn names_stand_in_a_block_at_the_end() {
        let mut book = Leases::new("172.30.0.0/16".parse().unwrap(), UidRange::new(0x7000_0000).unwrap());
        let grant = |(number, name): (usize, &&str)| {
            book.grant(&format!("{number:012x}").parse().unwrap(), &name.parse().unwrap(), true).unwrap()
        };
        let leases: Vec<Lease> = ["dev", "db"].iter().enumerate().map(grant).collect();
        let text = "127.0.0.1\tlocalhost\n::1 localhost\n";
        let with = with_block(text, leases.iter().rev()).unwrap();
        insta::assert_snapshot!(with);
        assert_eq!(without_block(&with).unwrap(), text);
    }
}
