//! The operations of contract ②, one file each.

mod answer;
mod end;
mod facts;
mod find;
mod hello;
mod launch;
mod lease;
mod locks;
mod machines;
mod parts;
mod ready;
mod release;
mod relink;
mod signal;

pub use parts::{Helper, Programs};
