//! Why systemd did not do what was asked.

use std::time::Duration;

use model::Class;

/// Why systemd did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// There is no systemd to speak to.
    #[error("systemd cannot be reached")]
    Unreachable {
        /// What the bus said.
        source: zbus::Error,
    },
    /// It is not allowed to this user.
    #[error("systemd does not let this user {what} {unit}")]
    Denied {
        /// What was being done.
        what: &'static str,
        /// To what.
        unit: String,
    },
    /// No unit has this name.
    #[error("there is no unit {unit}")]
    NoSuchUnit {
        /// Which.
        unit: String,
    },
    /// A unit with this name is there already.
    #[error("a unit {unit} is there already")]
    Exists {
        /// Which.
        unit: String,
    },
    /// The job was made, and did not end well.
    #[error("{unit} did not {what}: {result}")]
    Job {
        /// Whose job.
        unit: String,
        /// What the job was.
        what: &'static str,
        /// How it ended, in systemd's word: `failed`, `timeout`, `dependency`, `canceled` …
        result: String,
    },
    /// It took too long. What was asked may still happen.
    #[error("{unit} did not {what} within {} s", limit.as_secs())]
    TooLong {
        /// Whose job.
        unit: String,
        /// What was being done.
        what: &'static str,
        /// How long was waited.
        limit: Duration,
    },
    /// systemd refused, or said something that is not understood.
    #[error("systemd did not {what} {unit}")]
    Call {
        /// What was being done.
        what: &'static str,
        /// To what.
        unit: String,
        /// What systemd said.
        source: zbus::Error,
    },
}

impl SystemdError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unreachable { .. } => Class::HostLacks,
            Self::Denied { .. } => Class::Refused,
            Self::NoSuchUnit { .. } | Self::Job { .. } | Self::TooLong { .. } | Self::Call { .. } => {
                Class::Failed
            }
            Self::Exists { .. } => Class::Bug,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some(
                "System mode needs systemd as the host's init, and its D-Bus; embedded mode needs neither."
                    .to_owned(),
            ),
            Self::Denied { .. } => Some("Run it as root, with `sudo`.".to_owned()),
            Self::NoSuchUnit { .. } => Some("`banger system status` shows what is there.".to_owned()),
            Self::Job { unit, .. } | Self::TooLong { unit, .. } => {
                Some(format!("`journalctl -u {unit}` says why."))
            }
            Self::Exists { .. } | Self::Call { .. } => None,
        }
    }

    /// Reads what the bus said of a call.
    pub(super) fn of_call(what: &'static str, unit: &str, source: zbus::Error) -> Self {
        let unit = unit.to_owned();
        match name_of(&source) {
            Some("NoSuchUnit" | "LoadFailed") => Self::NoSuchUnit { unit },
            Some("UnitExists") => Self::Exists { unit },
            Some("AccessDenied" | "InteractiveAuthorizationRequired") => Self::Denied { what, unit },
            _ => Self::Call { what, unit, source },
        }
    }
}

/// The last word of the name of an error: `NoSuchUnit` of `org.freedesktop.systemd1.NoSuchUnit`.
fn name_of(error: &zbus::Error) -> Option<&str> {
    match error {
        zbus::Error::MethodError(name, _, _) => name.as_str().rsplit('.').next(),
        zbus::Error::FDO(error) => match **error {
            zbus::fdo::Error::AccessDenied(_) => Some("AccessDenied"),
            zbus::fdo::Error::InteractiveAuthorizationRequired(_) => Some("InteractiveAuthorizationRequired"),
            _ => None,
        },
        _ => None,
    }
}
