//! One call: connect, send, wait for the reply, ask again where the daemon says so.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited, combinators::UnsyncBoxBody};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    ClientError, Upload,
    patience::{Expected, Patience, Waiting},
    socket,
    upload::Fault,
};
use crate::{Failure, VERSION_HEADER};

/// How long a reply may take to begin, and its body to come. A request may wait in the socket's queue while an
/// update restarts the daemon, and restarts it again to go back.
const REPLY_LIMIT: Duration = Duration::from_mins(2);
/// The same where the reply comes after a whole image was sent.
const UPLOAD_LIMIT: Duration = Duration::from_hours(2);
/// The longest reply that is read as JSON, in bytes: 10,000 machines are 8 MiB.
const REPLY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A client of one daemon. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
    daemon_version: Arc<Mutex<Option<String>>>,
    waiting: Option<Waiting>,
    expected: Option<Expected>,
}

/// What is sent along.
#[derive(Debug)]
pub(super) enum Sent {
    Nothing,
    Json(Bytes),
    Upload(Upload),
}

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) sent: Sent,
    /// Whether it is asked again where the daemon went away before it replied.
    pub(super) may_ask_again: bool,
}

impl Call {
    fn new(method: Method, path: String) -> Self {
        Self { method, path, sent: Sent::Nothing, may_ask_again: true }
    }

    /// Asks only one daemon: its successor is not meant.
    pub(super) fn once(self) -> Self {
        Self { may_ask_again: false, ..self }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path.into())
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path.into())
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path.into())
    }

    /// Sends `value` along.
    pub(super) fn json(self, value: &impl Serialize) -> Result<Self, ClientError> {
        let bytes = serde_json::to_vec(value).map_err(|error| self.protocol(error))?;
        Ok(Self { sent: Sent::Json(bytes.into()), ..self })
    }

    fn protocol(&self, why: impl std::fmt::Display) -> ClientError {
        ClientError::Protocol { request: format!("{} {}", self.method, self.path), why: why.to_string() }
    }

    fn request(
        &self,
        key: Option<&str>,
    ) -> Result<(Request<UnsyncBoxBody<Bytes, io::Error>>, Fault), ClientError> {
        let (body, fault) = match &self.sent {
            Sent::Nothing => (whole(Bytes::new()), Fault::default()),
            Sent::Json(bytes) => (whole(bytes.clone()), Fault::default()),
            Sent::Upload(upload) => upload.body(),
        };
        let kind = match &self.sent {
            Sent::Upload(_) => "application/octet-stream",
            Sent::Json(_) | Sent::Nothing => "application/json",
        };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(header::HOST, "banger")
            .header(header::CONTENT_TYPE, kind);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.body(body).map(|request| (request, fault)).map_err(|error| self.protocol(error))
    }
}

fn whole(bytes: Bytes) -> UnsyncBoxBody<Bytes, io::Error> {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

impl Client {
    /// Makes a client of the daemon that listens at `socket`. Connects to nothing yet.
    #[must_use]
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, daemon_version: Arc::default(), waiting: None, expected: None }
    }

    /// Has `tell` told why a call waits, once for each call that has waited for some seconds.
    #[must_use]
    pub fn telling(self, tell: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        Self { waiting: Some(Waiting::new(tell)), ..self }
    }

    /// Has a call wait, for 2 minutes, while nobody listens and `is_coming` says that somebody will.
    #[must_use]
    pub fn expecting(self, is_coming: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { expected: Some(Expected::new(is_coming)), ..self }
    }

    /// The socket that is spoken to.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The daemon's release, once it has replied to something and named it.
    #[must_use]
    pub fn daemon_version(&self) -> Option<String> {
        self.daemon_version.lock().ok().and_then(|version| version.clone())
    }

    /// Says whether a daemon answers. That connections are taken is not enough: they are for a moment longer
    /// where the daemon was just killed.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unreachable`] if none does; anything else is wrong with one that is there.
    pub async fn probe(&self) -> Result<(), ClientError> {
        match self.send_once(&Call::get("/v1/operations"), None).await {
            Err(ClientError::Lost { source }) => Err(ClientError::Unreachable {
                socket: self.socket.clone(),
                source: io::Error::other(source),
            }),
            answered => answered.map(|_| ()),
        }
    }

    /// Calls, and reads the reply as JSON.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClientError> {
        let reply = self.send(call).await?;
        let bytes = read(reply, call).await?;
        serde_json::from_slice(&bytes).map_err(|error| call.protocol(error))
    }

    /// Calls, and lets the reply go.
    pub(super) async fn tell(&self, call: &Call) -> Result<(), ClientError> {
        self.send(call).await.map(|_| ())
    }

    /// Calls, and returns a reply of success with its body unread. Asks again where the daemon says so, or goes away
    /// before it replied: a change has a key, by which a daemon knows that it was asked before.
    pub(super) async fn send(&self, call: &Call) -> Result<Response<Incoming>, ClientError> {
        let key = if call.method == Method::GET { None } else { random_key() };
        let may_ask_again = call.may_ask_again && (call.method == Method::GET || key.is_some());
        let mut patience = Patience::begin();
        loop {
            let wait = match self.send_once(call, key.as_deref()).await {
                Ok(reply) if reply.status().is_success() => return Ok(reply),
                Ok(reply) => {
                    let wait = retry_after(&reply);
                    let refusal = refusal(reply, call).await;
                    patience.told_to_wait(wait, refusal, self.waiting.as_ref())?
                }
                Err(error) if may_ask_again => {
                    patience.lost(error, self.expected.as_ref(), self.waiting.as_ref())?
                }
                Err(error) => return Err(error),
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn send_once(&self, call: &Call, key: Option<&str>) -> Result<Response<Incoming>, ClientError> {
        let stream = self.connect().await?;
        let lost = |source: hyper::Error| ClientError::Lost { source: source.into() };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        tokio::spawn(connection);
        let (request, fault) = call.request(key)?;
        let limit = if matches!(call.sent, Sent::Upload(_)) { UPLOAD_LIMIT } else { REPLY_LIMIT };
        let sent = tokio::time::timeout(limit, sender.send_request(request)).await;
        let reply = sent.map_err(|_| ClientError::TimedOut { limit_secs: limit.as_secs() })?;
        let reply = reply.map_err(|error| match fault.lock().ok().and_then(|mut fault| fault.take()) {
            Some(source) => ClientError::Upload { source },
            None => lost(error),
        })?;
        self.note_version(&reply);
        Ok(reply)
    }

    async fn connect(&self) -> Result<tokio::net::UnixStream, ClientError> {
        let unreachable = |source| ClientError::Unreachable { socket: self.socket.clone(), source };
        socket::connect(&self.socket).await.map_err(unreachable)
    }

    fn note_version(&self, reply: &Response<Incoming>) {
        let version = reply.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok());
        if let (Some(version), Ok(mut noted)) = (version, self.daemon_version.lock()) {
            *noted = Some(version.to_owned());
        }
    }
}

/// How long the daemon wants to be left alone before it is asked again; `None` where its reply is not "ask again".
fn retry_after(reply: &Response<Incoming>) -> Option<Duration> {
    if reply.status() != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let secs = reply.headers().get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(secs))
}

async fn refusal(reply: Response<Incoming>, call: &Call) -> ClientError {
    let status = reply.status();
    let bytes = match read(reply, call).await {
        Ok(bytes) => bytes,
        Err(error) => return error,
    };
    match serde_json::from_slice::<Failure>(&bytes) {
        Ok(failure) => ClientError::Refused { failure },
        Err(_) if status == StatusCode::NOT_FOUND || status == StatusCode::METHOD_NOT_ALLOWED => {
            ClientError::Protocol {
                request: format!("{} {}", call.method, call.path),
                why: "it does not know this request".to_owned(),
            }
        }
        Err(_) => call.protocol(format!("status {status} without a reason")),
    }
}

async fn read(reply: Response<Incoming>, call: &Call) -> Result<Bytes, ClientError> {
    let body = Limited::new(reply.into_body(), REPLY_BYTES_MAX).collect();
    let body = tokio::time::timeout(REPLY_LIMIT, body).await;
    let body = body.map_err(|_| ClientError::TimedOut { limit_secs: REPLY_LIMIT.as_secs() })?;
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            Err(call.protocol("it is longer than 64 MiB"))
        }
        Err(source) => Err(ClientError::Lost { source }),
    }
}

/// A key of 128 random bits; none where the system has no randomness.
fn random_key() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> Self {
        Self::Refused { failure }
    }
}
