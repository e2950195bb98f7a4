//! The scenarios for hosts that have a systemd of their own, by what they are about.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what a scenario needs and does not get fails it")]

mod bystander;
#[path = "../common/mod.rs"]
mod common;
mod doctor;
mod faults;
mod firecracker;
mod guests;
mod host;
mod installs;
mod kills;
mod locks;
mod machines;
mod random;
mod system;
mod update;
mod workspaces;
