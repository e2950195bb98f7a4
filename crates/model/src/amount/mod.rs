//! Amounts as people type them: of memory and disk, and of time.

mod size;
mod time_limit;

pub use size::Size;
pub use time_limit::TimeLimit;
