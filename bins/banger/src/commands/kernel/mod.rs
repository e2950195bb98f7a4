//! `banger kernel`.

mod command;
mod import;
mod list;
mod make;
mod pull;
mod remove;
mod show;

pub(crate) use command::Kernel;
