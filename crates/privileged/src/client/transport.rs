//! One call: connect, send, wait for the reply.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use model::OpId;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::ClientError;
use crate::{
    OPERATION_HEADER, RELEASE, Refusal, Request, VERSION, VERSION_HEADER,
    limits::{REPLY_BYTES_MAX, REPLY_LIMIT},
};

/// How often a full queue of the listener is tried again, and after how long.
const QUEUE_TRIES_MAX: u32 = 100;
const QUEUE_WAIT: Duration = Duration::from_millis(20);
/// How often a call is put again when the helper hung up, where asking twice is asking once.
const LOST_TRIES_MAX: u32 = 3;

/// A client of the helper. Cheap to clone; connects anew for each call.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// Makes a client of the helper that listens at `socket`. Connects to nothing yet.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// The socket that is spoken to.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Calls on behalf of `op`, and reads the reply.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        op: &OpId,
        asked: &Request,
    ) -> Result<T, ClientError> {
        let operation = asked.name();
        let protocol = |why: String| ClientError::Protocol { operation, why };
        let body = Bytes::from(asked.body().map_err(|error| protocol(error.to_string()))?);
        let mut tries_left = if asked.is_idempotent() { LOST_TRIES_MAX } else { 1 };
        loop {
            tries_left -= 1;
            let sent = self.send(op, operation, body.clone());
            let limit_secs = REPLY_LIMIT.as_secs();
            let sent = tokio::time::timeout(REPLY_LIMIT, sent).await;
            match sent.map_err(|_| ClientError::TimedOut { operation, limit_secs })? {
                Err(ClientError::Lost { .. }) if tries_left > 0 => {}
                Err(error) => return Err(error),
                Ok(bytes) => {
                    return serde_json::from_slice(&bytes).map_err(|error| protocol(error.to_string()));
                }
            }
        }
    }

    /// Calls once, and returns the body of a reply of success.
    async fn send(&self, op: &OpId, operation: &'static str, body: Bytes) -> Result<Bytes, ClientError> {
        let lost = |source: hyper::Error| ClientError::Lost { operation, source: source.into() };
        let unreachable = |source| ClientError::Unreachable { socket: self.socket.clone(), source };
        let request = hyper::Request::post(format!("/{VERSION}/{operation}"))
            .header(header::HOST, "banger")
            .header(header::CONTENT_TYPE, "application/json")
            .header(VERSION_HEADER, RELEASE)
            .header(OPERATION_HEADER, op.as_str())
            .body(Full::new(body))
            .map_err(|error| ClientError::Protocol { operation, why: error.to_string() })?;
        let stream = connect(&self.socket).await.map_err(unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        tokio::spawn(connection);
        let reply = sender.send_request(request).await.map_err(lost)?;
        let status = reply.status();
        let bytes = read(reply, operation).await?;
        if status.is_success() {
            return Ok(bytes);
        }
        match serde_json::from_slice::<Refusal>(&bytes) {
            Ok(refusal) => Err(ClientError::Refused { refusal }),
            Err(_) => {
                Err(ClientError::Protocol { operation, why: format!("status {status} without a reason") })
            }
        }
    }
}

/// A listener whose queue is full says `EAGAIN` at once; it means the same as a wait.
async fn connect(path: &Path) -> io::Result<UnixStream> {
    for _ in 0..QUEUE_TRIES_MAX {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(QUEUE_WAIT).await,
            done => return done,
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "the helper's queue stays full"))
}

async fn read(reply: Response<Incoming>, operation: &'static str) -> Result<Bytes, ClientError> {
    match Limited::new(reply.into_body(), REPLY_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(ClientError::Protocol { operation, why: "it is longer than 8 MiB".to_owned() })
        }
        Err(source) => Err(ClientError::Lost { operation, source }),
    }
}
