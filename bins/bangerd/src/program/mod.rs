//! The program around the daemon: its command line, its lock, its log, what it says of itself.

mod args;
mod lock;
mod log;
mod migrations;
mod version;

pub(crate) use args::Args;
pub(crate) use lock::{LockError, take as take_lock};
pub(crate) use log::{FILE as LOG_FILE, start as start_log};
pub(crate) use migrations::{DATABASE, check as check_migrations};
pub(crate) use version::{COMMIT, VERSION, line as version_line};
