//! What configuration files say, whose keys they may set, and what that comes to on a host.
//!
//! A file is read whole or not at all: [`parse()`] gives its [`Settings`], or says what is wrong. [`KEYS`] is the
//! list of all there is to set; `docs/configuration.md` says what each means. Files are read by whoever has them:
//!
//! | whose                                   | who reads it                 | what it may set       |
//! |-----------------------------------------|------------------------------|-----------------------|
//! | the user's, in embedded mode            | the daemon                   | everything            |
//! | root's, `/etc/banger/config.toml`       | the daemon; root's keys also the root helper | everything |
//! | the owner's, beside a system install    | the command                  | [`Actor::Command`]'s  |

mod config;
mod error;
mod file_sync;
mod key;
mod parse;
mod settings;
mod table;

pub use config::{Config, DEFAULT, HostSize, Shown};
pub use error::ConfigError;
pub use file_sync::{FILES_MAX, FileSync, SYNCED_BYTES_MAX};
pub use key::{Actor, KEYS, Key, Whose};
pub use parse::parse;
pub use settings::{AccelChoice, AutoStop, OrAuto, Settings, VmmChoice};

/// The name of a configuration file in its directory.
pub const FILE_NAME: &str = "config.toml";

/// The longest configuration file, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * 1024;
