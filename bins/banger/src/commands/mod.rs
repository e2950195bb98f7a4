//! The commands, one file each: what is typed, what is meant by it, what is done.

mod ask;
mod cli;
mod completion;
mod daemon;
mod dispatch;
mod doctor;
mod du;
mod each;
mod image;
mod info;
mod internal;
mod kernel;
mod ssh_config;
mod system;
mod update;
mod version;
mod vm;

pub(crate) use cli::{Cli, Command};
pub(crate) use completion::offered;
pub(crate) use dispatch::run;
pub(crate) use vm::with_defaults_of_this_host;
