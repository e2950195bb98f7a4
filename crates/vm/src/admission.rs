//! Whether a request may be made of a machine now, apart from making it.

use model::{Class, VmName, VmState};

/// What is asked of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Boot it.
    Start,
    /// Ask it to end, then make it.
    Stop,
    /// Stop it if it runs, then boot it.
    Restart,
    /// End it, or send its monitor some signal.
    Kill,
    /// Stop it if it runs, then remove it with its disks.
    Delete,
    /// Give it other vcpus, memory or disk.
    Change,
    /// Make an image of its root disk.
    Promote,
    /// Reach its agent: exec, ssh, cp, ports, health.
    Session,
}

impl Request {
    /// Every request.
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::Kill,
        Self::Delete,
        Self::Change,
        Self::Promote,
        Self::Session,
    ];

    /// Returns the word for having it done: `started`.
    #[must_use]
    pub fn participle(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Stop => "stopped",
            Self::Restart => "restarted",
            Self::Kill => "killed",
            Self::Delete => "deleted",
            Self::Change => "changed",
            Self::Promote => "promoted",
            Self::Session => "reached",
        }
    }

    /// Returns the word for doing it: `start`.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::Delete => "delete",
            Self::Change => "change",
            Self::Promote => "promote",
            Self::Session => "reach",
        }
    }
}

/// How a request is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Admission {
    /// It is to be done.
    Do,
    /// What it asks for is so already; nothing is to be done, and that is a success.
    Already,
    /// The operation in flight does just that; its end is this request's.
    Join,
    /// It is to be done once the operation in flight was cancelled and has cleaned up.
    DoAfterCancel,
}

/// Why a request is not taken. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another operation works on the machine.
    #[error("cannot {} {name} while it is being {}", request.verb(), busy.participle())]
    Busy {
        /// The machine.
        name: VmName,
        /// What was asked.
        request: Request,
        /// What is being done.
        busy: Request,
    },
    /// The machine has to run for this, and does not.
    #[error("{name} is {state}")]
    NotRunning {
        /// The machine.
        name: VmName,
        /// Where it stands.
        state: VmState,
    },
    /// The machine must not run for this, and does.
    #[error("{name} is {state} and would have to be stopped")]
    NotStopped {
        /// The machine.
        name: VmName,
        /// Where it stands.
        state: VmState,
    },
}

impl Refusal {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Busy { .. } => Class::Refused,
            Self::NotRunning { .. } | Self::NotStopped { .. } => Class::Usage,
        }
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Busy { .. } => "Ask again when that is done; `banger daemon status` shows it.".to_owned(),
            Self::NotRunning { name, state: VmState::Starting } => {
                format!("Wait until it answers; `banger vm logs -f {name}` shows how far it is.")
            }
            Self::NotRunning { name, state: VmState::Error } => {
                format!("`banger vm logs {name}` may say why; `banger vm start {name}` boots it again.")
            }
            Self::NotRunning { name, .. } => format!("Start it with `banger vm start {name}`."),
            Self::NotStopped { name, .. } => format!("Stop it with `banger vm stop {name}`."),
        })
    }
}

/// Says whether `request` may be made of the machine `name`, which stands at `state` while `busy` is
/// being done to it.
///
/// # Errors
///
/// A [`Refusal`] for the user; nothing is to be changed.
pub fn admit(
    name: &VmName,
    state: VmState,
    busy: Option<Request>,
    request: Request,
) -> Result<Admission, Refusal> {
    match busy {
        Some(busy) => beside(busy, request).ok_or(Refusal::Busy { name: name.clone(), request, busy }),
        None => alone(name, state, request),
    }
}

/// Ending a machine goes before everything but another ending; reading goes beside what changes nothing.
fn beside(busy: Request, request: Request) -> Option<Admission> {
    use Request as R;
    match (busy, request) {
        (R::Start | R::Restart, R::Stop | R::Kill | R::Delete)
        | (R::Change | R::Promote | R::Stop | R::Kill, R::Delete) => Some(Admission::DoAfterCancel),
        // A stop that takes too long is what kill is for.
        (R::Stop | R::Delete, R::Kill) | (R::Promote, R::Session) => Some(Admission::Do),
        (R::Stop, R::Stop) | (R::Delete, R::Delete) | (R::Start, R::Start) => Some(Admission::Join),
        _ => None,
    }
}

fn alone(name: &VmName, state: VmState, request: Request) -> Result<Admission, Refusal> {
    use Request as R;
    use VmState as S;
    match (request, state) {
        (R::Start, S::Running | S::Starting) | (R::Stop, S::Created | S::Stopped | S::Error) => {
            Ok(Admission::Already)
        }
        (R::Start | R::Change | R::Promote, S::Stopping)
        | (R::Change | R::Promote, S::Starting | S::Running) => {
            Err(Refusal::NotStopped { name: name.clone(), state })
        }
        (R::Kill, S::Created | S::Stopped | S::Error)
        | (R::Session, S::Created | S::Starting | S::Stopping | S::Stopped | S::Error) => {
            Err(Refusal::NotRunning { name: name.clone(), state })
        }
        (R::Start | R::Change | R::Promote, S::Created | S::Stopped | S::Error)
        | (R::Stop | R::Kill, S::Starting | S::Running | S::Stopping)
        | (R::Session, S::Running)
        | (R::Restart | R::Delete, _) => Ok(Admission::Do),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> VmName {
        "box".parse().unwrap()
    }

    /// One letter a state, in the order of `VmState::ALL`: d do, a already, r not running, s not stopped.
    #[test]
    fn every_request_in_every_state() {
        let table = [
            (Request::Start, "daasdd"),
            (Request::Stop, "adddaa"),
            (Request::Restart, "dddddd"),
            (Request::Kill, "rdddrr"),
            (Request::Delete, "dddddd"),
            (Request::Change, "dsssdd"),
            (Request::Promote, "dsssdd"),
            (Request::Session, "rrdrrr"),
        ];
        for (request, want) in table {
            let got: String = VmState::ALL
                .iter()
                .map(|state| match admit(&name(), *state, None, request) {
                    Ok(Admission::Do) => 'd',
                    Ok(Admission::Already) => 'a',
                    Ok(Admission::Join | Admission::DoAfterCancel) => 'c',
                    Err(Refusal::NotRunning { .. }) => 'r',
                    Err(Refusal::NotStopped { .. }) => 's',
                    Err(Refusal::Busy { .. }) => 'b',
                })
                .collect();
            assert_eq!(got, want, "{request:?}");
        }
        assert_eq!(table.map(|(request, _)| request), Request::ALL);
    }

    #[test]
    fn a_machine_can_be_ended_whatever_is_being_done_to_it() {
        for busy in [Request::Start, Request::Restart, Request::Stop, Request::Promote, Request::Change] {
            assert!(admit(&name(), VmState::Starting, Some(busy), Request::Delete).is_ok(), "{busy:?}");
        }
        for busy in [Request::Start, Request::Restart, Request::Stop, Request::Delete] {
            assert!(admit(&name(), VmState::Starting, Some(busy), Request::Kill).is_ok(), "{busy:?}");
        }
    }

    #[test]
    fn two_changes_at_once_are_refused_with_a_hint() {
        for (busy, request) in [
            (Request::Delete, Request::Start),
            (Request::Change, Request::Start),
            (Request::Start, Request::Change),
            (Request::Stop, Request::Restart),
            (Request::Promote, Request::Start),
        ] {
            let refusal = admit(&name(), VmState::Stopped, Some(busy), request).unwrap_err();
            assert_eq!(refusal.class(), Class::Refused);
            assert!(refusal.hint().is_some());
        }
    }

    #[test]
    fn refusals_read_as_sentences() {
        let text = |state, busy, request| {
            let refusal = admit(&name(), state, busy, request).unwrap_err();
            format!("{refusal} / {}", refusal.hint().unwrap())
        };
        assert_eq!(
            text(VmState::Stopped, None, Request::Session),
            "box is stopped / Start it with `banger vm start box`."
        );
        assert_eq!(
            text(VmState::Running, None, Request::Change),
            "box is running and would have to be stopped / Stop it with `banger vm stop box`."
        );
        assert_eq!(
            text(VmState::Starting, Some(Request::Delete), Request::Start),
            "cannot start box while it is being deleted / \
             Ask again when that is done; `banger daemon status` shows it."
        );
    }
}
