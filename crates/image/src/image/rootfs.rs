//! Root file systems on their way to an image: unpacked from a tar, built from the archive, looked at.

mod build;
mod look;
mod unpack;

pub(super) use build::bootstrap;
pub(super) use look::{check_disk, check_tree};
pub(super) use unpack::unpack;
