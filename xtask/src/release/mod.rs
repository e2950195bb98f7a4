//! `cargo xtask release`: cuts a release. One file a step, in order.

mod build;
mod cut;
mod error;
mod installer;
mod offer;
mod pack;
mod sign;
mod tree;

pub use cut::{Allow, Cut, cut};
pub use error::ReleaseError;
