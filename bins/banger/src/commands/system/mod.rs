//! `banger system`.

mod command;
mod install;
mod restart;
mod rights;
mod status;
mod uninstall;

pub(crate) use command::System;
pub(crate) use rights::need_root;
