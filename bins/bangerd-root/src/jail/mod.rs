//! Carries what the owner named into a tree that only root writes, by descriptor.

mod build;
mod chroot;
mod error;
mod files;
mod open;
mod tail;

pub(crate) use build::write;
pub use build::{Jail, remove};
pub use chroot::{CHROOTS, Node};
pub use error::JailError;
pub(crate) use files::root_format;
pub use files::{BACKING, Files, INITRAMFS, KERNEL, MODULES};
pub use open::{Opened, Sharing, State, on_one_file_system};
pub use tail::tail;
