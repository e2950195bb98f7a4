//! QEMU: which one there is, and what it is started with.

mod arguments;
mod find;
pub mod kernel;

pub use arguments::arguments;
pub use find::{Qemu, QemuError, QemuVersion};
