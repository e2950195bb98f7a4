//! The program around the daemon: its command line, whose it is, its lock, its log, what it says of itself.

mod args;
mod database;
mod fatal;
mod lock;
mod log;
mod restart;
mod service;

pub(crate) use args::Args;
pub(crate) use database::{DATABASE, check_migrations, copy_database, open_database, restore_database};
pub(crate) use fatal::Fatal;
pub(crate) use lock::{LockError, take as take_lock};
pub(crate) use log::{FILE as LOG_FILE, start as start_log};
pub(crate) use restart::{become_next, next};
pub(crate) use service::{Service, tell_of_end, tell_when_ready};
