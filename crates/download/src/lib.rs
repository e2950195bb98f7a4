//! Fetches a file over HTTP, within limits: so many bytes, so much time, no slower than this, no further than here.
//!
//! What comes is not trusted. Its digest is taken while it is read, and the `release` crate says what that is worth.

mod agent;
mod body;
mod error;
mod fetch;
mod pace;

pub use error::{Cause, DownloadError};
pub use fetch::{Fetch, Fetched};
pub use pace::Pace;
