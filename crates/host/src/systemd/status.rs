//! What systemd says of a unit.

use std::collections::HashMap;

use zbus::OwnedVariant;

/// What systemd says of a unit that it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitStatus {
    /// `loaded`, `masked`, `error` …; never `not-found`.
    pub load_state: String,
    /// `active`, `reloading`, `inactive`, `failed`, `activating`, `deactivating`.
    pub active_state: String,
    /// The finer state: `running`, `dead`, `listening`, `auto-restart` …
    pub sub_state: String,
    /// The main process of a service that runs.
    pub main_pid: Option<u32>,
    /// How the last run ended: `success`, `exit-code`, `signal`, `timeout` … Empty for what is no service.
    pub result: String,
    /// The file that it is read from; none for a transient one that is gone.
    pub file: Option<String>,
    /// Whether its file was changed since it was read.
    pub needs_reload: bool,
    /// How often it was restarted by itself.
    pub restarts: u32,
}

impl UnitStatus {
    /// Whether it runs or listens, or is about to.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.active_state.as_str(), "active" | "reloading" | "activating")
    }

    /// Reads the properties of its interfaces, all in one.
    pub(super) fn read(properties: &HashMap<String, OwnedVariant>) -> Self {
        let text = |name: &str| -> String {
            properties.get(name).and_then(|value| String::try_from(&**value).ok()).unwrap_or_default()
        };
        let number = |name: &str| -> Option<u32> {
            properties.get(name).and_then(|value| u32::try_from(&**value).ok())
        };
        let is = |name: &str| -> bool {
            properties.get(name).and_then(|value| bool::try_from(&**value).ok()).unwrap_or_default()
        };
        Self {
            load_state: text("LoadState"),
            active_state: text("ActiveState"),
            sub_state: text("SubState"),
            main_pid: number("MainPID").filter(|pid| *pid != 0),
            result: text("Result"),
            file: Some(text("FragmentPath")).filter(|path| !path.is_empty()),
            needs_reload: is("NeedDaemonReload"),
            restarts: number("NRestarts").unwrap_or_default(),
        }
    }
}

/// A unit in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUnit {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// As [`UnitStatus::load_state`], and `not-found`.
    pub load_state: String,
    /// As [`UnitStatus::active_state`].
    pub active_state: String,
    /// As [`UnitStatus::sub_state`].
    pub sub_state: String,
}
