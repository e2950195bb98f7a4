//! A client for contract ①: HTTP/1.1 over the daemon's unix socket, one connection a request.

mod calls;
mod error;
mod events;
mod patience;
mod socket;
mod stream;
mod transport;
mod upload;

pub use error::ClientError;
pub use events::Events;
pub use stream::ByteStream;
pub use transport::Client;
pub use upload::Upload;
