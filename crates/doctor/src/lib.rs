//! Facts about a host and what they mean.
//!
//! Whoever calls gathers the [`Facts`]; [`examine()`] says of each what it means and what to do. It touches
//! nothing.

mod check;
mod checks;
mod examine;
mod facts;

pub use check::{Check, Verdict};
pub use examine::examine;
pub use facts::{AgentFact, Facts, KvmFact, MonitorFact, NamedFact, SocketFact, StoreFact, ToolFact};
