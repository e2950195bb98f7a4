//! The helper as root runs it: hostile calls against the program itself, machines through its own launchers.
//!
//! Everything lies below a directory of the test's that stands for `/`; nothing of this host is changed. Only root
//! can run these: what they are about is what only root may do.

#![expect(clippy::unwrap_used, reason = "what a test needs and does not get fails it")]

mod crowds;
mod direct;
mod files;
mod hostile;
mod kernel;
mod launches;
mod races;
mod wire;
mod world;
