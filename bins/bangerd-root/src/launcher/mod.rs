//! What a machine's units run: as root only until the machine's own user can take over.
//!
//! One thread, no runtime: the change of user is the whole process's.

mod credentials;
mod error;
mod link;
mod monitor;
mod record;
mod start;
mod stop;
mod tap;

pub use error::LaunchError;
pub use link::link;
pub use monitor::monitor;
pub use record::{Monitor, RECORD, Record};
pub use stop::ask_to_stop;
