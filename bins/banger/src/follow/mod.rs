//! Waiting for an operation: its events to the screen, Ctrl-C to the daemon.

mod line;
mod wait;

pub(crate) use line::{Line, Progress};
pub(crate) use wait::{OnSignal, Operation, Stopped};
