//! What the programs were built from: the same for all of a release.

mod stamp;

pub use stamp::{COMMIT, VERSION, at, line};
