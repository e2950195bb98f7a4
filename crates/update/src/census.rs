//! The machines before and after.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What tells a running machine from one that took its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What its owner calls it.
    pub name: String,
    /// The monitor's process.
    pub pid: u32,
    /// When that process started, in the system's ticks since the host's boot.
    pub started: u64,
    /// Which boot of the guest it is, as its agent says; `None` where the agent did not answer.
    pub boot: Option<String>,
}

/// The machines that run, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Census(pub BTreeMap<String, Seen>);

impl Census {
    /// Compares with a later census of the same boot of the host. Returns what is wrong, a sentence each.
    ///
    /// A machine whose guest had not answered yet is known by its process alone. One that is new is not held
    /// against anybody, and neither is one of `ended`: those whose guests ended themselves.
    #[must_use]
    pub fn losses(&self, later: &Self, ended: &BTreeSet<String>) -> Vec<String> {
        let stayed = self.0.iter().filter(|(id, _)| !ended.contains(*id));
        stayed.filter_map(|(id, before)| loss(before, later.0.get(id))).collect()
    }

    /// The machines that a later census does not know any more, by id.
    pub fn gone<'a>(&'a self, later: &'a Self) -> impl Iterator<Item = (&'a String, &'a Seen)> {
        self.0.iter().filter(|(id, _)| !later.0.contains_key(*id))
    }

    /// Says whether every guest that answered before answers in `later`.
    #[must_use]
    pub fn all_answer(&self, later: &Self) -> bool {
        let answers = |id| later.0.get(id).is_some_and(|seen| seen.boot.is_some());
        self.0.iter().filter(|(_, seen)| seen.boot.is_some()).all(|(id, _)| answers(id))
    }
}

fn loss(before: &Seen, after: Option<&Seen>) -> Option<String> {
    let name = &before.name;
    let Some(after) = after else {
        return Some(format!("{name} runs no longer"));
    };
    if (before.pid, before.started) != (after.pid, after.started) {
        return Some(format!("{name} is process {} now, and was {}", after.pid, before.pid));
    }
    // The same monitor with another boot: its guest booted itself again, which is the guest's affair.
    let fell_silent = before.boot.is_some() && after.boot.is_none();
    fell_silent.then(|| format!("{name} does not answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(seen: &[(&str, u32, u64, Option<&str>)]) -> Census {
        let one = |&(name, pid, started, boot): &(&str, u32, u64, Option<&str>)| {
            let name = name.to_owned();
            (name.clone(), Seen { name, pid, started, boot: boot.map(ToOwned::to_owned) })
        };
        Census(seen.iter().map(one).collect())
    }

    #[test]
    fn what_counts_as_a_loss() {
        let before = census(&[("box", 7, 100, Some("a"))]);
        let check = |later: &[(&str, u32, u64, Option<&str>)], expected: &[&str]| {
            assert_eq!(before.losses(&census(later), &BTreeSet::new()), expected, "{later:?}");
        };
        check(&[("box", 7, 100, Some("a"))], &[]);
        check(&[("box", 7, 100, Some("a")), ("new", 8, 101, None)], &[]);
        check(&[], &["box runs no longer"]);
        let ended = BTreeSet::from(["box".to_owned()]);
        assert!(before.losses(&census(&[]), &ended).is_empty(), "its guest ended itself");
        assert_eq!(before.gone(&census(&[])).count(), 1);
        check(&[("box", 8, 100, Some("a"))], &["box is process 8 now, and was 7"]);
        check(&[("box", 7, 101, Some("a"))], &["box is process 7 now, and was 7"]);
        check(&[("box", 7, 100, Some("b"))], &[]);
        check(&[("box", 7, 100, None)], &["box does not answer"]);
    }

    #[test]
    fn a_guest_that_had_not_answered_is_known_by_its_process() {
        let before = census(&[("box", 7, 100, None)]);
        let none = BTreeSet::new();
        assert!(before.losses(&census(&[("box", 7, 100, None)]), &none).is_empty());
        assert!(before.losses(&census(&[("box", 7, 100, Some("a"))]), &none).is_empty());
        assert!(before.all_answer(&census(&[("box", 7, 100, None)])));
    }
}
