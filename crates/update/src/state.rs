//! The states of an update, and how events lead from one to the next.
//!
//! ```text
//!   declared ─► switched ─► trial ─► committing ─► committed
//!       │          │  ▲       │
//!       │          │  └───────┤ the host was booted, and tries are left
//!       └──────────┴──────────┘ a failure, an interruption, no tries left
//!                  ▼
//!              reverting ─► reverted ─► restored ─► rolled back
//!                  ▲            │           │
//!                  └── stuck ◄──┴───────────┘ a failure
//! ```

use crate::event::{Cause, Event, Step};

/// How often a new release may run before it is given up: once, and once more after the host went down with it.
pub const TRIES_MAX: u8 = 2;

/// Where an update stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// What is about to be done is written down. `current` names the old release, or already the new one.
    Declared,
    /// `current` names the new release.
    Switched {
        /// How often the host may still go down with it.
        tries_left: u8,
    },
    /// The new release's services are up.
    Trial {
        /// How often the host may still go down with it.
        tries_left: u8,
    },
    /// The new release is kept; what an update leaves to be done is not all done.
    Committing,
    /// The new release runs, and nothing is left to be done.
    Committed,
    /// It goes back. `current` names the new release, or already the old one.
    Reverting {
        /// Why.
        cause: Cause,
    },
    /// `current` names the old release.
    Reverted {
        /// Why it went back.
        cause: Cause,
    },
    /// `current` names the old release, which can read the database.
    Restored {
        /// Why it went back.
        cause: Cause,
    },
    /// The old release runs, and nothing is left to be done.
    RolledBack {
        /// Why it went back.
        cause: Cause,
    },
    /// Going back failed. The next attempt goes back again.
    Stuck {
        /// Why it went back.
        cause: Cause,
        /// Why it did not get there.
        then: Cause,
    },
}

impl State {
    /// Whether no other release comes any more, whatever happens.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        matches!(self, Self::Committing | Self::Committed | Self::RolledBack { .. })
    }
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Point `current` at the new release, and have systemd read its units.
    Switch,
    /// Start the new release's services and wait until they are ready.
    Restart,
    /// Try the new release.
    Try,
    /// Do what an update leaves to be done.
    Finish,
    /// Point `current` at the old release, and have systemd read its units.
    Revert,
    /// Stop the services, and put the database back where the old release cannot read it.
    Restore,
    /// Start the old release's services and wait until they are ready.
    Return,
}

/// An event came that the state does not allow: the journal is not ours, or whoever drives lost track.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to an update that is {state:?}")]
pub struct Illegal {
    /// The state.
    pub state: State,
    /// The event.
    pub event: Event,
}

/// Says what is to be done in `state`; `None` at an end, and where only another attempt helps.
#[must_use]
pub fn next(state: &State) -> Option<Action> {
    match state {
        State::Declared => Some(Action::Switch),
        State::Switched { .. } => Some(Action::Restart),
        State::Trial { .. } => Some(Action::Try),
        State::Committing => Some(Action::Finish),
        State::Reverting { .. } => Some(Action::Revert),
        State::Reverted { .. } => Some(Action::Restore),
        State::Restored { .. } => Some(Action::Return),
        State::Committed | State::RolledBack { .. } | State::Stuck { .. } => None,
    }
}

/// Returns the state that `event` leads to.
///
/// # Errors
///
/// [`Illegal`] where `state` does not allow `event`.
pub fn apply(state: State, event: Event) -> Result<State, Illegal> {
    use State as S;
    Ok(match (state, event) {
        (S::Declared, Event::Switched) => S::Switched { tries_left: TRIES_MAX - 1 },
        (S::Switched { tries_left }, Event::Restarted) => S::Trial { tries_left },
        (S::Trial { .. }, Event::Passed) => S::Committing,
        (S::Committing, Event::Finished) => S::Committed,
        (S::Reverting { cause }, Event::Reverted) => S::Reverted { cause },
        (S::Reverted { cause }, Event::Restored) => S::Restored { cause },
        (S::Restored { cause }, Event::Returned) => S::RolledBack { cause },

        // A failure goes back, and what is stuck goes back again.
        (S::Declared | S::Switched { .. } | S::Trial { .. }, Event::Failed(cause))
        | (S::Stuck { cause, .. }, Event::Interrupted | Event::Rebooted) => S::Reverting { cause },
        (S::Reverting { cause } | S::Reverted { cause } | S::Restored { cause }, Event::Failed(then)) => {
            S::Stuck { cause, then }
        }

        // A driver that ended says something against the release whose driver it is, so it goes back.
        (S::Switched { .. } | S::Trial { .. }, Event::Interrupted) => {
            S::Reverting { cause: ended("the updater ended before it was done") }
        }
        // The new release never ran.
        (S::Declared, Event::Interrupted) => {
            S::Reverting { cause: undone("the updater ended before it was done") }
        }
        // Power goes for any reason: the new release gets another try, but not for ever.
        (S::Declared, Event::Rebooted) => S::Reverting { cause: undone("the host went down") },
        (S::Switched { tries_left: 0 } | S::Trial { tries_left: 0 }, Event::Rebooted) => {
            S::Reverting { cause: ended("the host went down each time that the new release ran") }
        }
        (S::Switched { tries_left } | S::Trial { tries_left }, Event::Rebooted) => {
            S::Switched { tries_left: tries_left - 1 }
        }
        // What is decided is carried on.
        (
            state @ (S::Committing | S::Reverting { .. } | S::Reverted { .. } | S::Restored { .. }),
            Event::Interrupted | Event::Rebooted,
        ) => state,

        (state, event) => return Err(Illegal { state, event }),
    })
}

fn undone(why: &str) -> Cause {
    Cause { step: Step::Switch, why: why.to_owned() }
}

fn ended(why: &str) -> Cause {
    Cause { step: Step::Resume, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every arrow of the machine, and no others: `from  event  to`, one a line.
    const ARROWS: &str = "
        Declared      Switched     Switched(1)
        Declared      Failed       Reverting
        Declared      Interrupted  Reverting
        Declared      Rebooted     Reverting
        Switched(1)   Restarted    Trial(1)
        Switched(1)   Failed       Reverting
        Switched(1)   Interrupted  Reverting
        Switched(1)   Rebooted     Switched(0)
        Switched(0)   Restarted    Trial(0)
        Switched(0)   Failed       Reverting
        Switched(0)   Interrupted  Reverting
        Switched(0)   Rebooted     Reverting
        Trial(1)      Passed       Committing
        Trial(1)      Failed       Reverting
        Trial(1)      Interrupted  Reverting
        Trial(1)      Rebooted     Switched(0)
        Trial(0)      Passed       Committing
        Trial(0)      Failed       Reverting
        Trial(0)      Interrupted  Reverting
        Trial(0)      Rebooted     Reverting
        Committing    Finished     Committed
        Committing    Interrupted  Committing
        Committing    Rebooted     Committing
        Reverting     Reverted     Reverted
        Reverting     Failed       Stuck
        Reverting     Interrupted  Reverting
        Reverting     Rebooted     Reverting
        Reverted      Restored     Restored
        Reverted      Failed       Stuck
        Reverted      Interrupted  Reverted
        Reverted      Rebooted     Reverted
        Restored      Returned     RolledBack
        Restored      Failed       Stuck
        Restored      Interrupted  Restored
        Restored      Rebooted     Restored
        Stuck         Interrupted  Reverting
        Stuck         Rebooted     Reverting
    ";

    fn cause() -> Cause {
        Cause { step: Step::Trial, why: "it is bad".to_owned() }
    }

    fn states() -> Vec<State> {
        let tries = |make: fn(u8) -> State| (0..TRIES_MAX).map(make);
        let mut all = vec![State::Declared, State::Committing, State::Committed];
        all.extend(tries(|tries_left| State::Switched { tries_left }));
        all.extend(tries(|tries_left| State::Trial { tries_left }));
        all.extend([
            State::Reverting { cause: cause() },
            State::Reverted { cause: cause() },
            State::Restored { cause: cause() },
            State::RolledBack { cause: cause() },
            State::Stuck { cause: cause(), then: cause() },
        ]);
        all
    }

    fn events() -> Vec<Event> {
        vec![
            Event::Switched,
            Event::Restarted,
            Event::Passed,
            Event::Finished,
            Event::Reverted,
            Event::Restored,
            Event::Returned,
            Event::Failed(cause()),
            Event::Interrupted,
            Event::Rebooted,
        ]
    }

    /// A state or event in a word, with its tries and without its causes.
    fn word(what: &impl std::fmt::Debug) -> String {
        let text = format!("{what:?}");
        let name: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
        match text.split_once("tries_left: ") {
            Some((_, tries)) => format!("{name}({})", &tries[..1]),
            None => name,
        }
    }

    #[test]
    fn the_table_is_the_whole_machine() {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted: BTreeSet<String> = ARROWS.lines().map(words).filter(|line| !line.is_empty()).collect();
        let mut found = BTreeSet::new();
        for from in states() {
            for event in events() {
                if let Ok(to) = apply(from.clone(), event.clone()) {
                    found.insert(format!("{} {} {}", word(&from), word(&event), word(&to)));
                }
            }
        }
        assert_eq!(wanted, found);
    }

    #[test]
    fn what_comes_next_can_happen_and_can_fail() {
        for state in states() {
            let goes_on = next(&state).is_some();
            let is_end = matches!(state, State::Committed | State::RolledBack { .. });
            let can_be_cut = apply(state.clone(), Event::Interrupted).is_ok();
            assert_eq!(can_be_cut, !is_end, "{state:?}");
            assert_eq!(goes_on, !is_end && !matches!(state, State::Stuck { .. }), "{state:?}");
        }
    }
}
