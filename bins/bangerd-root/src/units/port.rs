//! What is asked of the one who runs units.

use std::{future::Future, time::Duration};

use privileged::UnitState;

/// A unit that is to run, as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPlan {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// The program by its absolute path, and its arguments.
    pub start: Vec<String>,
    /// What asks it to stop; nothing if empty.
    pub stop: Vec<String>,
    /// Units that start after it and stop before it.
    pub before: Vec<String>,
    /// Devices that it may open.
    pub devices: Vec<String>,
    /// How long it may take to stop.
    pub stop_limit: Duration,
    /// Memory that it may hold, in bytes.
    pub memory_max_bytes: u64,
    /// Processor time that it may take, in hundredths of one processor's.
    pub cpu_percent_max: u32,
}

/// How a unit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: UnitState,
    /// Its main process, where it has one.
    pub pid: Option<u32>,
}

impl Standing {
    /// There is no such unit.
    pub const NONE: Self = Self { state: UnitState::Inactive, pid: None };

    /// Whether nothing of it runs.
    #[must_use]
    pub fn is_down(self) -> bool {
        matches!(self.state, UnitState::Inactive | UnitState::Failed)
    }
}

/// Why a unit does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum UnitsError {
    /// There is nobody who runs units.
    #[error("systemd cannot be asked")]
    Unreachable {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What the user can do.
        hint: Option<String>,
    },
    /// It was asked and did not do it.
    #[error("{unit} cannot be {what}")]
    Undone {
        /// Which.
        unit: String,
        /// What was to be done, as a participle.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl UnitsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> model::Class {
        match self {
            Self::Unreachable { .. } => model::Class::HostLacks,
            Self::Undone { .. } => model::Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { hint, .. } => hint.clone(),
            Self::Undone { unit, .. } => Some(format!("`journalctl -u {unit}` says more.")),
        }
    }
}

/// Runs units.
pub trait Units: Send + Sync + 'static {
    /// Starts a unit whose name nothing has that runs, and returns once its program is executed. What failed
    /// under this name before is forgotten.
    ///
    /// # Errors
    ///
    /// [`UnitsError`]; nothing of it runs.
    fn start(&self, plan: &UnitPlan) -> impl Future<Output = Result<(), UnitsError>> + Send;

    /// Kills whatever runs of a unit, waits until it is gone, and forgets how it ended. Idempotent.
    ///
    /// # Errors
    ///
    /// [`UnitsError`]; something of it may run still.
    fn end(&self, name: &str) -> impl Future<Output = Result<(), UnitsError>> + Send;

    /// Sends a signal to a unit's main process. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`UnitsError`]; it was not sent.
    fn signal(&self, name: &str, signal: i32) -> impl Future<Output = Result<bool, UnitsError>> + Send;

    /// Looks at a unit.
    ///
    /// # Errors
    ///
    /// [`UnitsError`]; assume nothing.
    fn look(&self, name: &str) -> impl Future<Output = Result<Standing, UnitsError>> + Send;

    /// Lists the units of machines that are there in any state.
    ///
    /// # Errors
    ///
    /// [`UnitsError`]; assume nothing.
    fn list(&self) -> impl Future<Output = Result<Vec<String>, UnitsError>> + Send;
}
