//! A command in a guest: its three streams, its terminal, its signals, its end.

mod collect;
mod error;
pub(crate) mod local;
mod pump;
mod run;
mod terminal;

pub(crate) use collect::{Collected, Held, collect, hold};
pub(crate) use run::{Session, run};
pub(crate) use terminal::stdin_is_terminal;
