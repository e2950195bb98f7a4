//! Why a block cannot be told from the rest.

use model::Class;

/// The fence is damaged; nobody knows what in the file is ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {what}")]
pub struct FenceError {
    /// Which line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: &'static str,
    /// What every line of the fence begins with.
    pub(crate) mark: String,
}

impl FenceError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let mark = &self.mark;
        Some(format!(
            "Remove every line that begins with {mark:?} from the file, and what stood between them."
        ))
    }
}
