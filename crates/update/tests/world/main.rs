//! Strikes every operation of an update on a host that is not real: what holds afterwards holds whatever happens.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod faults;
mod host;
mod lasting;
mod sabotage;
mod strike;
mod sweep;
mod tally;
mod world;
