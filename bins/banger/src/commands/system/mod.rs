//! `banger system`.

mod command;
mod install;
mod restart;
mod rights;
mod status;
mod uninstall;

pub(crate) use command::System;
pub(crate) use rights::{is_elsewhere, need_root};
pub(crate) use status::{is_up, plan_of};
