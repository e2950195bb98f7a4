//! `banger ssh-config`.

mod command;
mod section;

pub(crate) use command::SshConfig;
