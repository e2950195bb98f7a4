//! A reply that is a stream of bytes.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::ClientError;

/// A reply that is a stream of bytes, such as a console.
#[derive(Debug)]
pub struct ByteStream {
    body: Incoming,
}

impl ByteStream {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body }
    }

    /// Returns the next bytes, or `None` at the end. May be dropped and called again at any time.
    ///
    /// # Errors
    ///
    /// [`ClientError::Lost`] if the daemon went away.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|source| ClientError::Lost { source: source.into() })?;
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}
