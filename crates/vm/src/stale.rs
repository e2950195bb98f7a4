//! Whether anybody uses a machine, told from looks at its guest.
//!
//! A machine is used while a session is open or was since the last look, while somebody else is connected to it over
//! TCP, or while its processors had more to do than an idle system's. The time since then is how long it is quiet.

use std::time::Duration;

/// What an idle guest's processors may do at most, in percent of one of them: there are services that tick, and
/// the look itself, which under emulation takes longest.
const IDLE_PERCENT: u32 = 5;

/// How often a guest is looked at until it counts as stale.
const LOOKS: u32 = 4;
const LOOK_EVERY_MAX: Duration = Duration::from_mins(1);

/// What was seen of a guest at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// When, since any moment that stays the same.
    pub at: Duration,
    /// Sessions that are open.
    pub sessions_open: u32,
    /// Sessions that were begun since the agent started.
    pub sessions_begun: u64,
    /// TCP connections with others than the guest itself.
    pub connections: u32,
    /// How long its processors were busy since its boot, summed over all.
    pub busy: Duration,
}

/// Since when a machine is quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quiet {
    last: Look,
    since: Duration,
}

impl Quiet {
    /// Begins with a first look: nothing is known of what was before.
    #[must_use]
    pub fn begin(look: Look) -> Self {
        Self { last: look, since: look.at }
    }

    /// Goes on with another look.
    #[must_use]
    pub fn next(self, look: Look) -> Self {
        let since = if is_used(&self.last, &look) { look.at } else { self.since };
        Self { last: look, since }
    }

    /// How long it was quiet when it was last looked at.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.last.at.saturating_sub(self.since)
    }
}

fn is_used(last: &Look, look: &Look) -> bool {
    let elapsed = look.at.saturating_sub(last.at);
    // An agent that was started again, or a guest, counts from nothing: then nothing is known of the time between.
    let busy = look.busy.checked_sub(last.busy);
    look.sessions_open > 0
        || look.connections > 0
        || look.sessions_begun != last.sessions_begun
        || busy.is_none_or(|busy| busy * 100 > elapsed * IDLE_PERCENT)
}

/// How long to wait between two looks at a machine that is stopped after being quiet for `stale_after`.
#[must_use]
pub fn look_every(stale_after: Duration) -> Duration {
    (stale_after / LOOKS).min(LOOK_EVERY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(
        at_secs: u64,
        sessions_open: u32,
        sessions_begun: u64,
        connections: u32,
        busy_millis: u64,
    ) -> Look {
        Look {
            at: Duration::from_secs(at_secs),
            sessions_open,
            sessions_begun,
            connections,
            busy: Duration::from_millis(busy_millis),
        }
    }

    #[test]
    fn a_machine_is_quiet_since_it_was_last_used() {
        // One look each 10 s, from 0 s; after each the seconds for which it is quiet.
        let table: [(&str, &[Look], u64); 8] = [
            ("nothing happens", &[look(10, 0, 3, 0, 1100), look(20, 0, 3, 0, 1200)], 20),
            ("a session is open", &[look(10, 0, 3, 0, 1100), look(20, 1, 3, 0, 1200)], 0),
            ("one came and went", &[look(10, 0, 4, 0, 1100), look(20, 0, 4, 0, 1200)], 10),
            ("somebody is connected", &[look(10, 0, 3, 2, 1100), look(20, 0, 3, 0, 1200)], 10),
            ("it works a little", &[look(10, 0, 3, 0, 1500), look(20, 0, 3, 0, 2000)], 20),
            ("it works", &[look(10, 0, 3, 0, 1100), look(20, 0, 3, 0, 1601)], 0),
            ("the agent began anew", &[look(10, 0, 0, 0, 1100), look(20, 0, 0, 0, 1200)], 10),
            ("the guest began anew", &[look(10, 0, 3, 0, 10), look(20, 0, 3, 0, 20)], 10),
        ];
        for (what, looks, lasts_secs) in table {
            let first = Quiet::begin(look(0, 0, 3, 0, 1000));
            assert_eq!(first.lasts(), Duration::ZERO, "nothing is known of before");
            let quiet = looks.iter().fold(first, |quiet, look| quiet.next(*look));
            assert_eq!(quiet.lasts().as_secs(), lasts_secs, "{what}");
        }
    }

    #[test]
    fn looks_are_a_minute_apart_at_most() {
        for (after_secs, every_millis) in [(10, 2500), (20, 5000), (3600, 60_000)] {
            let every = look_every(Duration::from_secs(after_secs));
            assert_eq!(every.as_millis(), every_millis, "{after_secs} s");
        }
    }
}
