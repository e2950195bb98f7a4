//! Images: root file systems that machines begin as.

mod error;
mod rootfs;
mod store;

pub use error::ImageError;
pub use store::{ImageRecord, ImageStore};
