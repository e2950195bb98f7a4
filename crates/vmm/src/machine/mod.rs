//! Launches a monitor and its link, finds them again, ends them, and clears up after them.
//!
//! Both run in sessions of their own and are found again by what they wrote down before they became
//! programs ([`host::spawn`]): there is no moment at which a daemon that is killed loses one.

mod end;
mod error;
mod launch;
mod parts;

pub use end::{discard, end, finish, sweep};
pub use error::MachineError;
pub(crate) use launch::start_monitor;
pub use launch::{Launch, launch, monitor_said, relink};
pub use parts::{Found, Launched, Part, find};
