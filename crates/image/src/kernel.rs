//! Kernels with their modules, from packages and files, and the initramfs that boots them.

mod closure;
mod cpio;
mod deb;
mod error;
mod gather;
mod initramfs;
mod modinfo;
mod modules;
mod pull;
mod store;
mod vmlinux;

pub use error::KernelError;
pub use store::{KernelRecord, KernelStore};
