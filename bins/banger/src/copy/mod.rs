//! Files into a machine and out of it: where they land, and tar streams that land nowhere else.

mod error;
mod pack;
mod place;
mod unpack;
mod upload;

pub(crate) use error::CopyError;
pub(crate) use pack::{Packed, append_tree, pack};
pub(crate) use place::{Landing, Way, is_contents, name_of};
pub(crate) use unpack::unpack;
pub(crate) use upload::{PackError, upload};
