//! What becomes of a machine when the daemon starts: what is recorded against what is found.
//!
//! The same decision serves the daemon's start and `doctor --fix`. It is reached without touching
//! anything; whoever carries it out may be cut short and decide again, and comes to the same end.
//!
//! Two rules let one interrupted step be told from another:
//! - a machine's record is written *after* its directory was made whole, and removed *before* its
//!   directory is: so a directory without a record is half made or half deleted, and goes;
//! - `starting` and `stopping` are recorded before anything is started or ended.

use model::{BootId, VmState};

use crate::life::Event;

/// What the store says of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Where it stood.
    pub state: VmState,
    /// The boot of the host in which its processes were started; `None` where none ever was.
    pub host_boot: Option<BootId>,
    /// The boot of its guest, as its agent last told; `None` where it has not answered since the start.
    pub guest_boot: Option<BootId>,
}

/// What was found of a process that a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProcessFound {
    /// No process was recorded.
    NotRecorded,
    /// The process with this number **and** this start time lives.
    Lives,
    /// No process has this number, or another has it, which is not ours and must be left alone.
    Gone,
}

/// What was found of a machine on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The boot of the host now.
    pub host_boot: BootId,
    /// Whether its directory is there.
    pub directory: bool,
    /// Its monitor.
    pub monitor: ProcessFound,
    /// Its link.
    pub link: ProcessFound,
    /// What its agent said of the boot that runs, where it answered.
    pub guest_boot: Option<BootId>,
}

/// Why a machine ended while nobody looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The host was booted since.
    HostRebooted,
    /// It was to end, and did.
    AsAsked,
    /// Its monitor is gone, and nobody had asked for it.
    Unasked,
    /// The daemon ended before the monitor was started.
    NeverStarted,
}

/// What is to be done with a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// It rests and nothing of it runs.
    Rest,
    /// It runs, and is taken up in the state that is recorded: [`crate::life::next`] says what that
    /// state needs.
    TakeUp {
        /// Its link is gone and has to be started again, beside the monitor.
        relink: bool,
        /// Its agent answered from another boot than the recorded one; the new one is to be recorded.
        guest_rebooted: bool,
    },
    /// It runs no more: end what is left of it, remove [`crate::layout::LEFTOVERS`], apply `event`.
    MarkEnded {
        /// What happened to it.
        event: Event,
        /// Why, for the person who asks.
        why: Ended,
    },
    /// It should rest, and something of it runs: end that and remove [`crate::layout::LEFTOVERS`]. The
    /// state stays.
    EndStray,
    /// Its directory is gone, so it has no disks: end what is left of it. It cannot run again, and only
    /// `delete` helps. The state becomes an error.
    Lost,
}

/// Decides about a machine that is recorded.
#[must_use]
pub fn settle(recorded: &Recorded, found: &Found) -> Decision {
    let rebooted = recorded.host_boot.as_ref().is_some_and(|boot| *boot != found.host_boot);
    // After a boot of the host every number and every start time means another process.
    let lives = |process| !rebooted && process == ProcessFound::Lives;
    let (monitor, link) = (lives(found.monitor), lives(found.link));

    if !found.directory {
        return Decision::Lost;
    }
    match recorded.state {
        VmState::Created | VmState::Stopped | VmState::Error if monitor || link => Decision::EndStray,
        VmState::Created | VmState::Stopped | VmState::Error => Decision::Rest,
        VmState::Starting | VmState::Running | VmState::Stopping if monitor => Decision::TakeUp {
            // One that is to end is ended through its monitor; its link would be started for nothing.
            relink: !link && recorded.state != VmState::Stopping,
            guest_rebooted: link && is_another_boot(recorded, found),
        },
        VmState::Starting | VmState::Running | VmState::Stopping => ended(recorded, found, rebooted),
    }
}

fn is_another_boot(recorded: &Recorded, found: &Found) -> bool {
    match (&recorded.guest_boot, &found.guest_boot) {
        (Some(recorded), Some(found)) => recorded != found,
        (None, _) | (_, None) => false,
    }
}

fn ended(recorded: &Recorded, found: &Found, rebooted: bool) -> Decision {
    let (event, why) = match (recorded.state, found.monitor) {
        _ if rebooted => (Event::HostRebooted, Ended::HostRebooted),
        (VmState::Stopping, _) => (Event::MonitorEnded, Ended::AsAsked),
        (_, ProcessFound::NotRecorded) => (Event::MonitorEnded, Ended::NeverStarted),
        _ => (Event::MonitorEnded, Ended::Unasked),
    };
    Decision::MarkEnded { event, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life;

    fn boot(digit: char) -> BootId {
        format!("{digit}f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11").parse().unwrap()
    }

    fn recorded(state: VmState) -> Recorded {
        Recorded { state, host_boot: Some(boot('0')), guest_boot: Some(boot('a')) }
    }

    fn found(monitor: ProcessFound, link: ProcessFound) -> Found {
        Found { host_boot: boot('0'), directory: true, monitor, link, guest_boot: Some(boot('a')) }
    }

    const TAKE_UP: Decision = Decision::TakeUp { relink: false, guest_rebooted: false };
    const RELINK: Decision = Decision::TakeUp { relink: true, guest_rebooted: false };
    const AS_ASKED: Decision = Decision::MarkEnded { event: Event::MonitorEnded, why: Ended::AsAsked };
    const UNASKED: Decision = Decision::MarkEnded { event: Event::MonitorEnded, why: Ended::Unasked };
    const NEVER: Decision = Decision::MarkEnded { event: Event::MonitorEnded, why: Ended::NeverStarted };

    #[test]
    fn what_is_recorded_against_what_is_found() {
        use Decision::{EndStray, Rest};
        use ProcessFound::{Gone, Lives, NotRecorded};
        use VmState::{Created, Error, Running, Starting, Stopped, Stopping};
        let table = [
            (Created, NotRecorded, NotRecorded, Rest),
            (Stopped, Gone, Gone, Rest),
            (Error, Gone, Gone, Rest),
            (Stopped, Lives, Lives, EndStray),
            (Stopped, Gone, Lives, EndStray),
            (Error, Lives, Gone, EndStray),
            (Created, Lives, NotRecorded, EndStray),
            // The daemon ended between recording and starting; or the processes run and are kept.
            (Starting, NotRecorded, NotRecorded, NEVER),
            (Starting, Lives, NotRecorded, RELINK),
            (Starting, Lives, Lives, TAKE_UP),
            (Starting, Gone, Lives, UNASKED),
            (Running, Lives, Lives, TAKE_UP),
            (Running, Lives, Gone, RELINK),
            (Running, Gone, Gone, UNASKED),
            (Running, Gone, Lives, UNASKED),
            (Stopping, Lives, Lives, TAKE_UP),
            (Stopping, Lives, Gone, TAKE_UP),
            (Stopping, Gone, Gone, AS_ASKED),
            (Stopping, Gone, Lives, AS_ASKED),
        ];
        for (state, monitor, link, want) in table {
            assert_eq!(settle(&recorded(state), &found(monitor, link)), want, "{state} {monitor:?} {link:?}");
        }
    }

    fn everything() -> impl Iterator<Item = (Recorded, Found)> {
        let processes = [ProcessFound::NotRecorded, ProcessFound::Lives, ProcessFound::Gone];
        let pairs = processes.into_iter().flat_map(move |one| processes.map(|two| (one, two)));
        pairs.flat_map(|(monitor, link)| {
            VmState::ALL.into_iter().flat_map(move |state| {
                [true, false].into_iter().flat_map(move |directory| {
                    ['0', '1'].map(|host| {
                        let found = Found { host_boot: boot(host), directory, ..found(monitor, link) };
                        (recorded(state), found)
                    })
                })
            })
        })
    }

    #[test]
    fn every_event_that_is_decided_is_legal() {
        for (recorded, found) in everything() {
            if let Decision::MarkEnded { event, .. } = settle(&recorded, &found) {
                assert!(life::apply(Some(recorded.state), event).is_ok(), "{recorded:?} {found:?}");
            }
        }
    }

    #[test]
    fn after_a_boot_of_the_host_no_process_is_taken_for_ours() {
        for (recorded, found) in everything().filter(|(_, found)| found.host_boot != boot('0')) {
            let decision = settle(&recorded, &found);
            let is_hands_off = matches!(
                decision,
                Decision::Rest
                    | Decision::Lost
                    | Decision::MarkEnded { event: Event::HostRebooted, why: Ended::HostRebooted }
            );
            assert!(is_hands_off, "{recorded:?} {found:?} {decision:?}");
        }
    }

    #[test]
    fn a_stale_pid_is_not_adopted() {
        for state in VmState::ALL {
            let decision = settle(&recorded(state), &found(ProcessFound::Gone, ProcessFound::Gone));
            assert!(!matches!(decision, Decision::TakeUp { .. } | Decision::EndStray), "{state}");
        }
    }

    #[test]
    fn settling_twice_is_settling_once() {
        let after = |recorded: &Recorded, decision| match decision {
            Decision::MarkEnded { event, .. } => life::apply(Some(recorded.state), event).unwrap(),
            Decision::Lost => Some(VmState::Error),
            Decision::Rest | Decision::TakeUp { .. } | Decision::EndStray => Some(recorded.state),
        };
        for (recorded, found) in everything().filter(|(_, found)| found.directory) {
            let decision = settle(&recorded, &found);
            if matches!(decision, Decision::TakeUp { .. }) {
                continue;
            }
            let again = Recorded { state: after(&recorded, decision).unwrap(), ..recorded.clone() };
            let nothing_runs = Found { monitor: ProcessFound::Gone, link: ProcessFound::Gone, ..found };
            assert_eq!(settle(&again, &nothing_runs), Decision::Rest, "{recorded:?} {decision:?}");
        }
    }

    #[test]
    fn another_boot_of_the_guest_is_recorded() {
        let lives = ProcessFound::Lives;
        let other = Found { guest_boot: Some(boot('b')), ..found(lives, lives) };
        let want = Decision::TakeUp { relink: false, guest_rebooted: true };
        assert_eq!(settle(&recorded(VmState::Running), &other), want);
        let silent = Found { guest_boot: None, ..found(lives, lives) };
        assert_eq!(settle(&recorded(VmState::Running), &silent), TAKE_UP);
    }
}
