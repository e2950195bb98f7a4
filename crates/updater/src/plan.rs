//! What was prepared, for the driver to declare.

use std::{collections::BTreeSet, fs};

use install::disk::write_file;
use model::Version;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Told as _, UpdateError},
    places::Places,
};

/// How long a new release is watched once it runs, in seconds.
pub const TRIAL_SECONDS: u32 = 5;

/// What was prepared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The release that is installed.
    pub from: Version,
    /// The release that is to be, which is staged and was checked.
    pub to: Version,
    /// The checks of its `doctor` that fail already.
    pub failed_checks: BTreeSet<String>,
    /// How long it is watched, in seconds.
    pub trial_seconds: u32,
    /// Whether operations that do not end are cancelled.
    pub force: bool,
}

impl Plan {
    /// Leaves it for the driver.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn write(&self, places: &Places) -> Result<(), UpdateError> {
        let text =
            serde_json::to_string(self).map_err(|error| UpdateError::failed("declare", error.to_string()))?;
        write_file(&places.plan(), &text, places.ids()).map_err(|error| error.at("declare"))
    }

    /// Reads what was left.
    ///
    /// # Errors
    ///
    /// There is nothing that can be read.
    pub fn read(places: &Places) -> Result<Self, UpdateError> {
        let text = fs::read_to_string(places.plan()).map_err(|error| error.at("declare"))?;
        serde_json::from_str(&text)
            .map_err(|error| UpdateError::failed("declare", format!("{}: {error}", places.plan().display())))
    }
}
