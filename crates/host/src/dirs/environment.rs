//! What of the environment decides where things are.

use std::{env, ffi::OsString};

/// What of the environment decides where things are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The user's number.
    pub uid: u32,
    /// `HOME`.
    pub home: Option<OsString>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<OsString>,
    /// `XDG_DATA_HOME`.
    pub data_home: Option<OsString>,
    /// `XDG_CACHE_HOME`.
    pub cache_home: Option<OsString>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<OsString>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<OsString>,
}

impl Environment {
    /// Reads this process's environment.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self {
            uid: rustix::process::geteuid().as_raw(),
            home: env::var_os("HOME"),
            state_home: env::var_os("XDG_STATE_HOME"),
            data_home: env::var_os("XDG_DATA_HOME"),
            cache_home: env::var_os("XDG_CACHE_HOME"),
            config_home: env::var_os("XDG_CONFIG_HOME"),
            runtime_dir: env::var_os("XDG_RUNTIME_DIR"),
        }
    }
}
