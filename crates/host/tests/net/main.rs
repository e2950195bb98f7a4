//! The network of system mode against the kernel itself, in network namespaces that each test makes.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod applied;
mod guests;
mod names;
mod others;
mod probe;
mod space;
mod world;
