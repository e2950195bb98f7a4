//! `banger update`: what is installed becomes another release, or stays as it was.

mod check;
mod command;
mod drive;
mod install;
mod repair;
mod step;

pub(crate) use command::Update;
