//! `banger internal`: commands that only banger itself gives, and the programs that it sets up.

mod by_name;
mod command;
mod man_pages;
mod proxy;
mod release_files;
mod user_install;

pub(crate) use command::Internal;
