//! The driver: from the declaration to the end.
//!
//! It outlives the terminal, and somebody of the old release watches it: whatever became of the driver, that brings the host
//! to a whole release. In the system install it is a unit, whose end runs the keeper; a user's own is a process that stays
//! while the new release's driver runs, and where both are gone the next command takes it up.

mod declare;
mod hold;
mod host;
mod installed;
mod services;
mod trial;
mod trouble;
mod turn;
mod unit;
mod watcher;

pub use services::restart;
pub(crate) use turn::way_out;
pub use turn::{Ending, drive, is_interrupted, resume};
pub use watcher::Watcher;
