//! Facts about a host and what they mean.
//!
//! Whoever calls gathers the facts; [`examine()`] says what those of the daemon and its helper mean, and
//! [`examine_install()`] what those of a system install mean. Neither touches anything.

mod checks;
mod examine;
mod facts;
mod install;
mod names;
mod system;

pub use examine::examine;
pub use facts::{
    AgentFact, Drift, Facts, FilesFact, Finding, FirecrackerFact, HelperFact, HelperFacts, InstallFacts,
    KvmFact, MonitorFact, NamedFact, ServicesFact, SocketFact, StoreFact, ToolFact,
};
pub use install::examine_install;
pub use names::NAMES;
