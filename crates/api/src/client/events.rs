//! The events of one operation, across lost connections.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use model::OpId;

use super::{ByteStream, Client, ClientError, transport::Call};
use crate::{Event, EventRecord};

/// How long a daemon that went away is looked for before the caller is told.
const RECONNECT_LIMIT: Duration = Duration::from_secs(1);
const RECONNECT_WAIT: Duration = Duration::from_millis(50);
/// The longest event, in bytes.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// The events of one operation, in order, none twice. A lost connection is made again.
#[derive(Debug)]
pub struct Events {
    client: Client,
    op: OpId,
    after: u64,
    stream: Option<ByteStream>,
    pending: BytesMut,
    ended: bool,
}

impl Events {
    pub(super) fn new(client: Client, op: OpId) -> Self {
        Self { client, op, after: 0, stream: None, pending: BytesMut::new(), ended: false }
    }

    /// The operation whose events they are.
    #[must_use]
    pub fn op(&self) -> &OpId {
        &self.op
    }

    /// Returns the next event; `None` after [`Event::Done`] or [`Event::Failed`]. May be dropped and
    /// called again at any time, also after an error: it goes on where it was.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unreachable`] if the daemon went away and did not come back within 1 s: start it
    /// and call again. [`ClientError::Restarted`] if another daemon answers, that does not know the
    /// operation. [`ClientError::Protocol`] if an event cannot be read.
    pub async fn next(&mut self) -> Result<Option<EventRecord>, ClientError> {
        while !self.ended {
            if let Some(line) = take_line(&mut self.pending) {
                if let Some(record) = self.read(&line)? {
                    return Ok(Some(record));
                }
                continue;
            }
            if self.stream.is_none() {
                self.reconnect().await?;
            }
            let Some(stream) = &mut self.stream else { continue };
            match stream.next().await {
                Ok(Some(bytes)) if self.pending.len() + bytes.len() > LINE_BYTES_MAX => {
                    return Err(self.unreadable("a line is too long"));
                }
                Ok(Some(bytes)) => self.pending.extend_from_slice(&bytes),
                // Without a last event the end of a stream is a lost connection as well.
                Ok(None) | Err(_) => {
                    self.stream = None;
                    self.pending.clear();
                    tokio::time::sleep(RECONNECT_WAIT).await;
                }
            }
        }
        Ok(None)
    }

    fn read(&mut self, line: &[u8]) -> Result<Option<EventRecord>, ClientError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let record: EventRecord =
            serde_json::from_slice(line).map_err(|error| self.unreadable(&error.to_string()))?;
        if record.seq <= self.after {
            return Ok(None);
        }
        self.after = record.seq;
        self.ended = matches!(record.event, Event::Done { .. } | Event::Failed { .. });
        Ok(Some(record))
    }

    async fn reconnect(&mut self) -> Result<(), ClientError> {
        let call = Call::get(format!("/v1/operations/{}/events?after={}", self.op, self.after));
        let began = Instant::now();
        loop {
            match self.client.send(&call).await {
                Ok(reply) => {
                    self.stream = Some(ByteStream::new(reply.into_body()));
                    return Ok(());
                }
                Err(error) if error.is_not_found() => {
                    return Err(ClientError::Restarted { op: self.op.clone() });
                }
                Err(ClientError::Unreachable { .. } | ClientError::Lost { .. })
                    if began.elapsed() < RECONNECT_LIMIT =>
                {
                    tokio::time::sleep(RECONNECT_WAIT).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn unreadable(&self, why: &str) -> ClientError {
        ClientError::Protocol {
            request: format!("GET /v1/operations/{}/events", self.op),
            why: why.to_owned(),
        }
    }
}

fn take_line(pending: &mut BytesMut) -> Option<BytesMut> {
    let end = pending.iter().position(|&byte| byte == b'\n')?;
    Some(pending.split_to(end + 1))
}
