//! The states of a machine and the events that lead from one to the next.
//!
//! ```text
//!             Created          StartAsked               AgentAnswered
//!   (none) ───────────► created ───────► starting ───────────────────► running
//!                         │               │  │ StartFailed,              │  │ MonitorEnded
//!                 Deleted │               │  ▼ MonitorEnded              │  ▼
//!                         ▼   StartAsked  │ error ◄─────────────────────────┘
//!                       (none) ◄───────── │  ▲ Deleted → (none)          │ StopAsked
//!                         ▲               ▼  │ StartAsked → starting     ▼
//!                         └─ stopped ◄── stopping ◄──────────────────────┘
//!                              MonitorEnded
//! ```
//!
//! `HostRebooted` leads from starting, running and stopping to stopped.

use model::VmState;

/// Something that happened to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Its disks and its record exist.
    Created,
    /// Its monitor is about to be started.
    StartAsked,
    /// Its agent answered for the first time since the start.
    AgentAnswered,
    /// Its start was given up, and nothing of it runs.
    StartFailed,
    /// It is about to be asked to end, or to be killed.
    StopAsked,
    /// Its monitor is gone.
    MonitorEnded,
    /// The host was booted since it was last seen, so nothing of it runs.
    HostRebooted,
    /// Its record and its disks are gone.
    Deleted,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::StartAsked,
        Self::AgentAnswered,
        Self::StartFailed,
        Self::StopAsked,
        Self::MonitorEnded,
        Self::HostRebooted,
        Self::Deleted,
    ];
}

/// What a machine in some state needs from the daemon, for as long as it is in that state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Nothing of it runs, so nothing is to be watched.
    Rest,
    /// Ask for the agent until it answers, under the boot guard; watch the monitor.
    AwaitAgent,
    /// Watch the monitor.
    Watch,
    /// Wait for the monitor to end; kill it when its time is over.
    AwaitEnd,
}

/// An event came that the state does not allow. Whoever sent it lost track of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a machine that is {}", state.map_or("not there", VmState::as_str))]
pub struct Illegal {
    /// The state; `None` where there was no machine.
    pub state: Option<VmState>,
    /// The event.
    pub event: Event,
}

impl Illegal {
    /// Whose turn it is: ours.
    #[must_use]
    pub fn class(&self) -> model::Class {
        model::Class::Bug
    }
}

/// Says what a machine in `state` needs from the daemon.
#[must_use]
pub fn next(state: VmState) -> Duty {
    match state {
        VmState::Created | VmState::Stopped | VmState::Error => Duty::Rest,
        VmState::Starting => Duty::AwaitAgent,
        VmState::Running => Duty::Watch,
        VmState::Stopping => Duty::AwaitEnd,
    }
}

/// Returns the state that `event` leads to; `None` is no machine.
///
/// # Errors
///
/// [`Illegal`] where `state` does not allow `event`; the state is what it was.
pub fn apply(state: Option<VmState>, event: Event) -> Result<Option<VmState>, Illegal> {
    use VmState as S;
    let to = match (state, event) {
        (None, Event::Created) => Some(S::Created),
        (Some(S::Created | S::Stopped | S::Error), Event::StartAsked) => Some(S::Starting),
        (Some(S::Created | S::Stopped | S::Error), Event::Deleted) => None,
        (Some(S::Starting), Event::AgentAnswered) => Some(S::Running),
        (Some(S::Starting | S::Running), Event::StopAsked) => Some(S::Stopping),

        // Gone without having been asked: something is wrong with it, and a person should know.
        (Some(S::Starting), Event::StartFailed | Event::MonitorEnded)
        | (Some(S::Running), Event::MonitorEnded) => Some(S::Error),

        (Some(S::Stopping), Event::MonitorEnded)
        | (Some(S::Starting | S::Running | S::Stopping), Event::HostRebooted) => Some(S::Stopped),

        _ => return Err(Illegal { state, event }),
    };
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every arrow; all other pairs are illegal.
    const ARROWS: &[(Option<VmState>, Event, Option<VmState>)] = &[
        (None, Event::Created, Some(VmState::Created)),
        (Some(VmState::Created), Event::StartAsked, Some(VmState::Starting)),
        (Some(VmState::Created), Event::Deleted, None),
        (Some(VmState::Starting), Event::AgentAnswered, Some(VmState::Running)),
        (Some(VmState::Starting), Event::StartFailed, Some(VmState::Error)),
        (Some(VmState::Starting), Event::MonitorEnded, Some(VmState::Error)),
        (Some(VmState::Starting), Event::StopAsked, Some(VmState::Stopping)),
        (Some(VmState::Starting), Event::HostRebooted, Some(VmState::Stopped)),
        (Some(VmState::Running), Event::StopAsked, Some(VmState::Stopping)),
        (Some(VmState::Running), Event::MonitorEnded, Some(VmState::Error)),
        (Some(VmState::Running), Event::HostRebooted, Some(VmState::Stopped)),
        (Some(VmState::Stopping), Event::MonitorEnded, Some(VmState::Stopped)),
        (Some(VmState::Stopping), Event::HostRebooted, Some(VmState::Stopped)),
        (Some(VmState::Stopped), Event::StartAsked, Some(VmState::Starting)),
        (Some(VmState::Stopped), Event::Deleted, None),
        (Some(VmState::Error), Event::StartAsked, Some(VmState::Starting)),
        (Some(VmState::Error), Event::Deleted, None),
    ];

    fn states() -> impl Iterator<Item = Option<VmState>> {
        std::iter::once(None).chain(VmState::ALL.map(Some))
    }

    #[test]
    fn every_pair_of_state_and_event_is_an_arrow_or_illegal() {
        for state in states() {
            for event in Event::ALL {
                let arrow = ARROWS.iter().find(|(from, on, _)| (*from, *on) == (state, event));
                let want = arrow.map_or(Err(Illegal { state, event }), |(_, _, to)| Ok(*to));
                assert_eq!(apply(state, event), want, "{state:?} on {event:?}");
            }
        }
    }

    #[test]
    fn every_state_is_reached_and_leads_back_to_nothing() {
        for state in VmState::ALL {
            assert!(ARROWS.iter().any(|(_, _, to)| *to == Some(state)), "{state} is never reached");
            let mut here = vec![Some(state)];
            // As many rounds as there are states reach whatever can be reached.
            for _ in VmState::ALL {
                let more = ARROWS.iter().filter(|(from, _, _)| here.contains(from)).map(|(_, _, to)| *to);
                here = here.iter().copied().chain(more).collect();
            }
            assert!(here.contains(&None), "{state} cannot be got rid of");
        }
    }

    #[test]
    fn what_runs_is_watched_and_what_rests_is_not() {
        for state in VmState::ALL {
            let can_end = apply(Some(state), Event::MonitorEnded).is_ok();
            assert_eq!(next(state) != Duty::Rest, can_end, "{state}");
        }
    }

    #[test]
    fn an_illegal_event_says_what_it_met() {
        let error = apply(Some(VmState::Stopped), Event::StopAsked).unwrap_err();
        assert_eq!(error.to_string(), "StopAsked cannot happen to a machine that is stopped");
        let error = apply(None, Event::Deleted).unwrap_err();
        assert_eq!(error.to_string(), "Deleted cannot happen to a machine that is not there");
    }
}
