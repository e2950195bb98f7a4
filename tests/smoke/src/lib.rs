//! Scenarios against real machines: what they need to say what they mean.
//!
//! A scenario is a test under `tests/scenarios/` whose body is given a [`Host`]: a home of its own with nothing
//! in it, and the programs that were built. When the body ends, nothing may be left: no machine, no process, no
//! socket, no file of a machine. What a host lacks is said with [`skip!`], and listed in `tests/skips.toml`.

#![expect(clippy::panic, reason = "a scenario that cannot go on fails as a test does")]
#![expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "commands and checks are called for what they do; their values are extra"
)]

mod cache;
mod census;
mod command;
mod host;
mod inside;
mod measure;
mod place;
mod report;
mod scenario;
mod service;
mod slot;
pub mod wait;

pub use cache::prepare;
pub use census::{Trace, files, processes};
pub use command::{Command, Output, Running};
pub use host::Host;
pub use measure::measure;
pub use report::summary;
pub use scenario::{on_plain, on_service};
pub use service::{Outside, Traces};
