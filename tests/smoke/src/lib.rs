//! Scenarios against real machines: what they need to say what they mean.
//!
//! A scenario is a test whose body is given a [`Host`]. When the body ends, nothing may be left: no machine, no
//! process, no socket, no file of a machine. What a host lacks is said with [`skip!`], and listed in
//! `tests/skips.toml`.
//!
//! | kind    | what it is                                           | its scenarios                              |
//! |---------|------------------------------------------------------|--------------------------------------------|
//! | plain   | this machine, with a home that has nothing in it     | `tests/scenarios/`, given to [`on_plain`]  |
//! | service | a container of it that has a systemd, a network and a user `dev` of its own | `tests/service/`, given to [`on_service`] |
//! | kvm     | an emulated computer with a kernel of its own, whose KVM works | the same, with `BANGER_SMOKE_HOST=kvm` |
//!
//! In a container and in a computer the programs lie in `/opt/banger`, and commands run as `dev` unless
//! [`Host::root`] is asked. The gateway is 198.51.100.1, the host itself 198.51.100.2.

#![expect(clippy::panic, reason = "a scenario that cannot go on fails as a test does")]
#![expect(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "commands and checks are called for what they do; their values are extra"
)]

mod cache;
mod command;
mod host;
mod inside;
mod measure;
mod place;
mod report;
mod scenario;
mod service;
mod slot;
mod tracer;
pub mod wait;

pub use cache::prepare;
pub use command::{Command, Output, Running};
pub use host::{Host, Trace, files, processes};
pub use measure::measure;
pub use report::summary;
pub use scenario::{on_plain, on_service};
pub use service::{FIRST, NEXT, NEXT_BUILT_AT, NEXT_COMMIT, Outside, Releases, Traces, build_next, script};
pub use tracer::{STRUCK_NOTHING, Strike, trace};
pub use wait::wait_until;
