//! Bridge, taps, rules and names: all of it computed from the leases, and applied whole.

mod absent;
mod host;
mod port;

pub use absent::NoNetwork;
pub use host::HostNetwork;
pub use port::{NetError, NetFacts, Network};
