//! Runs a command for a session.

mod begin;
mod command;
mod end;
mod input;
mod output;
mod session;

pub(super) use begin::answer;
pub(super) use command::unprotected;
