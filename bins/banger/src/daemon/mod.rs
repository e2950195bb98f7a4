//! The way to the daemon of this user: the user's own, which is started where it does not run, or that of the
//! system install.

mod context;
mod owners;
mod paths;
mod refs;
mod starter;
mod unfinished;

pub(crate) use context::{Context, daemon_as_it_is, glance, start_daemon};
pub(crate) use owners::Owners;
pub(crate) use paths::{dirs, mode, uid};
pub(crate) use refs::find_all;
