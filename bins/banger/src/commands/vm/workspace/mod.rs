//! Repositories in machines: in, out, and commands in them.

mod carry;
mod command;
mod enter;
mod explain;
mod export;
mod guest_path;
mod moved;
mod prepare;
mod scripts;
mod source;
mod stage;
mod tools;

pub(crate) use command::Workspace;
pub(super) use enter::enter;
pub(super) use guest_path::GuestPath;
pub(super) use moved::{prepare_again, tell_if_moved};
pub(super) use source::{Source, show_plan};
pub(super) use tools::check_tools;
