//! The host's side: asks the agent of one machine, each call over a connection of its own.

mod connection;
mod error;
mod http;
mod session;
mod tree;

pub use connection::{Connection, LINK_SOCKET_NAME};
pub use error::GuestError;
pub use http::{GuestStream, forward_over};
pub use session::ExecSession;
pub use tree::TreeReader;
