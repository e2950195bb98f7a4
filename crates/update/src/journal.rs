//! The journal: JSON, one line for the declaration and one for each event. The state of an update is their fold.
//!
//! The line's format is a contract between releases: a release writes what the one before it can read. A line that
//! is not understood, once there is a declaration, means that it goes back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    declaration::Declaration,
    event::{Cause, Event, Step},
    state::{Illegal, State, apply},
};

/// The version of a line's format.
const FORMAT: u32 = 1;
/// The longest journal that is read, in bytes.
pub const JOURNAL_BYTES_MAX: usize = 1024 * 1024;

/// An update that was declared, as its journal tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// What was declared.
    pub declaration: Declaration,
    /// Where it stands.
    pub state: State,
    /// Which boot of the host the last line was written in.
    pub boot: String,
}

/// What is written in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The first line.
    Declared(Box<Declaration>),
    /// Every other one.
    Event(Event),
}

/// A journal does not begin with a declaration, so nothing can be told of what it is about.
#[derive(Debug, thiserror::Error)]
#[error("the journal does not begin with a declaration that this release can read")]
pub struct NotAJournal {
    /// What is wrong with its first line; `None` where it has none.
    pub source: Option<serde_json::Error>,
}

#[derive(Serialize, Deserialize)]
struct Line<T> {
    v: u32,
    at: Timestamp,
    boot: String,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize, Deserialize)]
struct Declared {
    declared: Declaration,
}

/// Renders an entry as a line, its end included.
///
/// # Errors
///
/// Where a text in it cannot be written as JSON: none.
pub fn line(entry: &Entry, at: Timestamp, boot: &str) -> serde_json::Result<String> {
    let boot = boot.to_owned();
    let mut text = match entry {
        Entry::Declared(declared) => {
            let what = Declared { declared: declared.as_ref().clone() };
            serde_json::to_string(&Line { v: FORMAT, at, boot, what })?
        }
        Entry::Event(event) => serde_json::to_string(&Line { v: FORMAT, at, boot, what: event.clone() })?,
    };
    text.push('\n');
    Ok(text)
}

/// Reads a journal; `None` where nothing was declared.
///
/// A last line without an end was being written when the power went: what it says did not happen. Of a line that is
/// not understood, or that cannot follow what stands before it, the update is held to have failed.
///
/// # Errors
///
/// [`NotAJournal`].
pub fn fold(text: &str) -> Result<Option<Update>, NotAJournal> {
    let Some((whole, _cut)) = text.rsplit_once('\n') else {
        return Ok(None);
    };
    let mut lines = whole.split('\n');
    let first = lines.next().unwrap_or_default();
    let first: Line<Declared> =
        serde_json::from_str(first).map_err(|source| NotAJournal { source: Some(source) })?;
    if first.v != FORMAT {
        return Err(NotAJournal { source: None });
    }
    let mut update = Update { declaration: first.what.declared, state: State::Declared, boot: first.boot };
    for line in lines {
        match serde_json::from_str::<Line<Event>>(line) {
            Ok(line) if line.v == FORMAT => {
                update.boot = line.boot;
                update.state = apply(update.state, line.what).unwrap_or_else(lost_track);
            }
            _ => update.state = not_understood(update.state),
        }
    }
    Ok(Some(update))
}

fn lost_track(illegal: Illegal) -> State {
    not_understood(illegal.state)
}

/// What is made of a state after which something unknown happened.
fn not_understood(state: State) -> State {
    let unknown = Cause { step: Step::Resume, why: "the journal holds a line that is not known".to_owned() };
    match state {
        // Kept is kept: its own next step is what brings the host to a whole.
        state @ (State::Committing | State::Committed | State::RolledBack { .. }) => state,
        State::Declared | State::Switched { .. } | State::Trial { .. } => State::Reverting { cause: unknown },
        State::Reverting { cause }
        | State::Reverted { cause }
        | State::Restored { cause }
        | State::Stuck { cause, .. } => State::Reverting { cause },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::census::{Census, Seen};

    fn declaration() -> Declaration {
        let seen = Seen { name: "box".to_owned(), pid: 7, started: 100, boot: Some("guest".to_owned()) };
        Declaration {
            from: "v1.2.3".parse().unwrap(),
            to: "v1.3.0".parse().unwrap(),
            boot: "host".to_owned(),
            census: Census([("0123456789ab".to_owned(), seen)].into()),
            failed_checks: BTreeSet::from(["kvm".to_owned()]),
            trial_seconds: 5,
            has_database_copy: true,
            cancelled: None,
        }
    }

    fn write(entries: &[Entry]) -> String {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        entries.iter().map(|entry| line(entry, at, "host").unwrap()).collect()
    }

    fn began(events: &[Event]) -> String {
        let mut entries = vec![Entry::Declared(Box::new(declaration()))];
        entries.extend(events.iter().cloned().map(Entry::Event));
        write(&entries)
    }

    fn state(text: &str) -> State {
        fold(text).unwrap().unwrap().state
    }

    #[test]
    fn what_a_journal_looks_like() {
        let cause = Cause { step: Step::Restart, why: "bangerd.service is not ready".to_owned() };
        let text = began(&[
            Event::Switched,
            Event::Failed(cause),
            Event::Reverted,
            Event::Restored,
            Event::Returned,
        ]);
        insta::assert_snapshot!("journal", text);
        assert!(matches!(state(&text), State::RolledBack { .. }));
        assert_eq!(fold(&text).unwrap().unwrap().declaration, declaration());
    }

    #[test]
    fn a_journal_that_was_cut_tells_what_was_whole() {
        let text = began(&[Event::Switched, Event::Restarted]);
        assert_eq!(state(&text), State::Trial { tries_left: 1 });
        assert_eq!(state(&text[..text.len() - 1]), State::Switched { tries_left: 1 });
        assert!(fold("").unwrap().is_none());
        assert!(fold(&text[..20]).unwrap().is_none());
    }

    #[test]
    fn what_is_not_understood_goes_back_unless_the_release_is_kept() {
        let odd = "{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"boot\":\"host\",\"event\":\"flown\"}\n";
        let newer = odd.replace("\"v\":1", "\"v\":2").replace("flown", "restarted");
        for line in [odd, &newer, "nonsense\n", "\n"] {
            let state = |events: &[Event]| state(&format!("{}{line}", began(events)));
            assert!(matches!(state(&[]), State::Reverting { .. }), "{line}");
            assert!(matches!(state(&[Event::Switched]), State::Reverting { .. }), "{line}");
            let passed = [Event::Switched, Event::Restarted, Event::Passed];
            assert_eq!(state(&passed), State::Committing, "{line}");
        }
        // An event that cannot follow.
        assert!(matches!(state(&began(&[Event::Passed])), State::Reverting { .. }));
    }

    #[test]
    fn what_does_not_begin_with_a_declaration_is_no_journal() {
        let declared = began(&[]);
        for text in ["nonsense\n", "\n", "{}\n", &declared.replace("\"v\":1", "\"v\":2")] {
            assert!(fold(text).is_err(), "{text}");
        }
    }
}
