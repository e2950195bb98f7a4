//! Answers and refusals.

use std::io;

use bytes::Bytes;
use guest::Refusal;
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE},
};
use serde::{Serialize, de::DeserializeOwned};

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;
pub(super) type Answer = Result<Response<Body>, Refused>;

/// The longest request that is read into memory, in bytes: an identity with its files.
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A refusal and its status.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Refused {
    /// It cannot be meant.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into(), hint: None }
    }

    /// What was named is not there.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.into(), hint: None }
    }

    /// It was tried, and the system would not.
    pub(super) fn failed(what: &str, error: &io::Error) -> Self {
        let status = match error.kind() {
            io::ErrorKind::NotFound => StatusCode::NOT_FOUND,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, message: format!("{what}: {}", crate::words::of(error)), hint: None }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let refusal = Refusal { message: self.message, hint: self.hint };
        with_status(json(&refusal), self.status)
    }
}

pub(super) fn bytes(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn json(value: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(bytes(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(super) fn with_status(mut response: Response<Body>, status: StatusCode) -> Response<Body> {
    *response.status_mut() = status;
    response
}

/// The answer after which the connection is a stream.
pub(super) fn switching(protocol: &'static str) -> Response<Body> {
    let mut response = with_status(Response::new(bytes(Bytes::new())), StatusCode::SWITCHING_PROTOCOLS);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(protocol));
    response
}

/// Refuses a request that does not ask for `protocol`.
pub(super) fn must_upgrade(request: &Request<Incoming>, protocol: &'static str) -> Result<(), Refused> {
    let asked = request.headers().get(UPGRADE);
    if asked.is_some_and(|asked| asked == protocol) {
        return Ok(());
    }
    let status = StatusCode::UPGRADE_REQUIRED;
    Err(Refused { status, message: format!("this request must upgrade to {protocol}"), hint: None })
}

/// Reads a body that is one JSON value.
pub(super) async fn read_json<T: DeserializeOwned>(body: Incoming) -> Result<T, Refused> {
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let body = body.map_err(|error| Refused::bad(format!("read the request: {error}")))?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|error| Refused::bad(format!("understand the request: {error}")))
}
