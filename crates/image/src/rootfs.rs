//! Root file systems on their way to an image: unpacked from a tar, built from the archive, looked at.

mod build;
mod look;
mod unpack;

pub(crate) use build::bootstrap;
pub(crate) use look::{check_disk, check_tree, describe};
pub(crate) use unpack::unpack;
