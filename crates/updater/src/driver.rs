//! The driver: from the declaration to the end.
//!
//! It runs in a unit of its own, so that it outlives the terminal, and a unit's end runs the keeper, which is the old
//! release: whatever became of the driver, that brings the host to a whole release.

mod declare;
mod hold;
mod host;
mod installed;
mod trial;
mod turn;
mod unit;

pub(crate) use turn::way_out;
pub use turn::{Ending, drive, resume};
pub use unit::{UNIT, start};
