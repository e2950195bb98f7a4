//! The program around the helper: its command line, its log, its socket.

mod args;
mod log;
mod run;
mod serve;

pub use args::{Args, ArgsError, Task};
pub use run::run;
