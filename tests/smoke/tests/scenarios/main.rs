//! The scenarios, by what they are about.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a scenario that cannot go on fails as a test does")]

mod bad_input;
#[path = "../common/mod.rs"]
mod common;
mod daemons;
mod machines;
mod small;
mod tutorial;
mod update;
mod workspaces;
