//! What is known of this host and this daemon: for `info` and for `doctor`.

mod doctor;
mod fix;
mod helper;
mod info;

pub(crate) use doctor::doctor;
pub(crate) use fix::fix;
pub(crate) use info::info;
