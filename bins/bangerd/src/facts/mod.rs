//! What is known of this host and this daemon: for `info`, `doctor` and `du`.

mod doctor;
mod fix;
mod helper;
mod info;
mod usage;

pub(crate) use doctor::doctor;
pub(crate) use fix::fix;
pub(crate) use info::info;
pub(crate) use usage::usage;
