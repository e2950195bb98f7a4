//! A client for contract ②: HTTP/1.1 over the helper's unix socket, one connection a call.

mod calls;
mod error;
mod transport;

pub use error::ClientError;
pub use transport::Client;
