//! Files out of the guest and into it, as tar streams.

mod get;
mod path;
mod put;
mod unpack;

pub(super) use get::get;
pub(super) use put::put;
