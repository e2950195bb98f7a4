//! A home directory with a daemon in it, and a client as plain as `curl`.

mod daemon;
mod home;
mod reply;

pub(crate) use daemon::{Daemon, wait_until};
pub(crate) use home::Home;
pub(crate) use reply::Reply;
