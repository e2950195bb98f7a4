//! Images, kernels and initramfs: built, imported, kept by content.
//!
//! Nothing here needs root. What takes long is given a [`Job`], which hears of progress and can be
//! cancelled; a call that fails or is cancelled leaves nothing behind. Every call blocks.

mod apt;
mod decompress;
mod ext4;
mod fault;
mod home;
mod image;
mod job;
mod kernel;
mod magic;
mod objects;
mod recipe;
mod tool;

pub use apt::HostArchive;
pub use fault::Fault;
pub use home::home_template;
pub use image::{ImageError, ImageRecord, ImageStore};
pub use job::{Cancel, Job, JobEvent};
pub use kernel::{KernelError, KernelRecord, KernelStore};
pub use objects::Reclaimed;
pub use recipe::Recipe;
