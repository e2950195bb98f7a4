//! What a check of a host came to.

use serde::{Deserialize, Serialize};

/// What a check came to, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It works, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked: `monitor`, `kvm`, `store`. A name is never given another meaning.
    pub name: String,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found, in a line.
    pub found: String,
    /// What to do, in a sentence that names a command.
    pub hint: Option<String>,
}

impl Check {
    /// One that passes.
    #[must_use]
    pub fn pass(name: &str, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Pass, found: found.into(), hint: None }
    }

    /// One that warns, with what to do.
    #[must_use]
    pub fn warn(name: &str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, hint: Some(hint.into()), ..Self::pass(name, found) }
    }

    /// One that fails, with what to do.
    #[must_use]
    pub fn fail(name: &str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, hint: Some(hint.into()), ..Self::pass(name, found) }
    }
}
