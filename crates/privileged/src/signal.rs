//! Signals that a monitor may be sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RequestError;

/// Every signal that may be asked for, with its name.
const ALLOWED: [(i32, &str); 10] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (6, "ABRT"),
    (9, "KILL"),
    (10, "USR1"),
    (12, "USR2"),
    (15, "TERM"),
    (18, "CONT"),
    (19, "STOP"),
];

/// A signal for a monitor: 1, 2, 3, 6, 9, 10, 12, 15, 18 or 19 (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct MonitorSignal(i32);

impl MonitorSignal {
    /// Returns the number.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for MonitorSignal {
    type Error = RequestError;

    fn try_from(number: i32) -> Result<Self, RequestError> {
        let is_allowed = ALLOWED.iter().any(|(allowed, _)| *allowed == number);
        if is_allowed { Ok(Self(number)) } else { Err(RequestError::BadSignal { number }) }
    }
}

impl From<MonitorSignal> for i32 {
    fn from(signal: MonitorSignal) -> Self {
        signal.0
    }
}

impl fmt::Display for MonitorSignal {
    /// Writes its name, as `kill` takes it: `TERM`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ALLOWED.iter().find(|(number, _)| *number == self.0).map_or("?", |(_, name)| name);
        f.pad(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_may_be_sent() {
        let sent: Vec<String> = (-100..200)
            .filter_map(|number| MonitorSignal::try_from(number).ok())
            .map(|it| it.to_string())
            .collect();
        assert_eq!(sent.join(" "), "HUP INT QUIT ABRT KILL USR1 USR2 TERM CONT STOP");
    }
}
