//! What a check came to.

/// What a check came to, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// It works, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found, in a line.
    pub found: String,
    /// What to do, in a sentence.
    pub hint: Option<String>,
}

impl Check {
    pub(crate) fn pass(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Pass, found: found.into(), hint: None }
    }

    pub(crate) fn warn(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn fail(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, found: found.into(), hint: Some(hint.into()) }
    }
}
