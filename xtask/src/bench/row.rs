//! One promise and what came of it.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// What a measurement came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// The figure, and whether it keeps the promise.
    Figure {
        /// The figure, with its unit.
        text: String,
        /// Whether the promise is kept.
        kept: bool,
        /// What it was made of, by name; a name ends with its unit.
        values: BTreeMap<String, u64>,
    },
    /// It could not be measured, for this reason.
    Not(String),
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The promise's number in docs/specification.md.
    pub number: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// What was found.
    pub measured: Measured,
}

impl Row {
    /// Whether the promise was measured and not kept.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.measured, Measured::Figure { kept: false, .. })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, text) = match &self.measured {
            Measured::Figure { text, kept: true, .. } => ("kept", text),
            Measured::Figure { text, kept: false, .. } => ("BROKEN", text),
            Measured::Not(why) => ("not measured", why),
        };
        write!(f, "{:<4} {:<13} {:<64} {text}", self.number, mark, self.promise)
    }
}
