//! The way to the daemon of this user, which is started where it does not run.

mod context;
mod paths;
mod refs;
mod starter;

pub(crate) use context::{Context, daemon_as_it_is, glance};
pub(crate) use refs::find_all;
