//! `banger doctor`.

mod command;
mod install;

pub(crate) use command::Doctor;
