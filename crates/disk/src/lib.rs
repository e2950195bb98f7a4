//! The disks of a machine, as files in its own directory.
//!
//! | module   | does                                                             |
//! |----------|------------------------------------------------------------------|
//! | [`root`] | the root disk: copy-on-write over an image                       |
//! | [`store`] | what a machine wrote over its image, as the device mapper keeps it |
//! | [`home`] | the home disk: a copy of an empty file system, and its growth    |
//! | [`dir`]  | the directory itself: making, measuring, removing                |
//!
//! Everything here blocks: call it where blocking is allowed.

pub mod dir;
mod error;
pub mod home;
pub mod root;
mod sparse;
pub mod store;

pub use error::DiskError;
pub use sparse::Cancel;
