//! An error in one line.

use std::error::Error;

/// Says what failed and why, down to the last source.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}
