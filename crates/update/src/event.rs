//! What happened to an update since it was declared.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that happened to an update. It is durable before anything follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// `current` names the new release, and systemd has read its units.
    Switched,
    /// The new release's services are ready.
    Restarted,
    /// The trial is over and nothing speaks against the new release. From here nothing goes back.
    Passed,
    /// All that an update leaves to be done is done.
    Finished,
    /// `current` names the old release again, and systemd has read its units.
    Reverted,
    /// The old release can read the database.
    Restored,
    /// The old release's services are ready.
    Returned,
    /// An action failed.
    Failed(Cause),
    /// The driver ended before the update did; the host was not booted since.
    Interrupted,
    /// The host was booted before the update ended.
    Rebooted,
}

/// Why an update does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What was being done.
    pub step: Step,
    /// Why that failed, in words.
    pub why: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.why)
    }
}

/// What can fail once an update is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Pointing `current` at the new release.
    Switch,
    /// Starting the new release's services.
    Restart,
    /// Trying the new release.
    Trial,
    /// Pointing `current` at the old release again.
    Revert,
    /// Putting the database back.
    Restore,
    /// Starting the old release's services.
    Return,
    /// Going on after something ended the driver.
    Resume,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switch => "switch",
            Self::Restart => "restart",
            Self::Trial => "trial",
            Self::Revert => "go back to the old release",
            Self::Restore => "put the database back",
            Self::Return => "start the old release",
            Self::Resume => "resume",
        })
    }
}
