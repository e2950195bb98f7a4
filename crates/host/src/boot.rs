//! Which boot of the host this is.

use std::{fs, io};

use model::{BootId, Class, ParseError};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Why the host's boot is not known.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The kernel does not say.
    #[error("{BOOT_ID} cannot be read")]
    Unreadable {
        /// What the system said.
        source: io::Error,
    },
    /// The kernel says something else.
    #[error("{BOOT_ID} holds something else")]
    NotAnId {
        /// What is wrong with it.
        source: ParseError,
    },
}

impl BootError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::HostLacks
    }

    /// One sentence that tells the user what to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("Mount /proc: banger tells its processes apart by what stands there.".to_owned())
    }
}

/// Reads the identity of the boot that runs. It changes with every boot and never in between.
///
/// # Errors
///
/// [`BootError`] where `/proc` is not what Linux has there.
pub fn boot_id() -> Result<BootId, BootError> {
    let text = fs::read_to_string(BOOT_ID).map_err(|source| BootError::Unreadable { source })?;
    text.trim_end().parse().map_err(|source| BootError::NotAnId { source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_the_same() {
        assert_eq!(boot_id().unwrap(), boot_id().unwrap());
    }
}
