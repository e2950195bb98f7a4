//! `banger image`.

mod build;
mod cache;
mod command;
mod delete;
mod import;
mod list;
mod make;
mod promote;
mod register;
mod show;

pub(crate) use command::Image;
