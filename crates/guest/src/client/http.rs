//! HTTP/1.1 over a connection to the agent.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{CONNECTION, HOST, UPGRADE},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use model::Port;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};

use super::GuestError;
use crate::{Refusal, UPGRADE_FORWARD};

/// A stream of bytes to and from a guest. Closing the writing half is carried to the other end.
pub type GuestStream = TokioIo<Upgraded>;

/// How long a stream may take to open.
pub(super) const OPEN_LIMIT: Duration = Duration::from_secs(20);

/// The longest answer that is read into memory, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// One request, as far as it differs from the others.
#[derive(Debug)]
pub(super) struct Ask {
    /// What is asked, for an error.
    pub(super) what: &'static str,
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) upgrade: Option<&'static str>,
}

pub(super) fn whole_body(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Sends `ask` over `io` and returns the answer's head; a refusal is an error.
pub(super) async fn send<Io>(io: Io, ask: &Ask, body: Body) -> Result<Response<Incoming>, GuestError>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let what = ask.what;
    let broken = |source| GuestError::Broken { what, source };
    let mut request = Request::builder().method(&ask.method).uri(&ask.target).header(HOST, "banger");
    if let Some(upgrade) = ask.upgrade {
        request = request.header(CONNECTION, "upgrade").header(UPGRADE, upgrade);
    }
    let request = request.body(body).map_err(|source| GuestError::BadQuestion { what, source })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await.map_err(broken)?;
    tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request).await.map_err(broken)?;
    if answer.status().as_u16() < 400 { Ok(answer) } else { Err(refusal(what, answer).await) }
}

async fn refusal(what: &'static str, answer: Response<Incoming>) -> GuestError {
    let status = answer.status().as_u16();
    match read_whole(what, answer).await.map(|bytes| serde_json::from_slice::<Refusal>(&bytes)) {
        Ok(Ok(Refusal { message, hint })) => GuestError::Refused { status, message, hint },
        Ok(Err(source)) => GuestError::BadMessage { what, source },
        Err(error) => error,
    }
}

async fn read_whole(what: &'static str, answer: Response<Incoming>) -> Result<Bytes, GuestError> {
    let too_long = |_| GuestError::NoStream { what, status: StatusCode::PAYLOAD_TOO_LARGE.as_u16() };
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    body.map(http_body_util::Collected::to_bytes).map_err(|error| match error.downcast::<hyper::Error>() {
        Ok(source) => GuestError::Broken { what, source: *source },
        Err(error) => too_long(error),
    })
}

/// Reads an answer that is one JSON value.
pub(super) async fn json<T: DeserializeOwned>(
    what: &'static str,
    answer: Response<Incoming>,
) -> Result<T, GuestError> {
    let bytes = read_whole(what, answer).await?;
    serde_json::from_slice(&bytes).map_err(|source| GuestError::BadMessage { what, source })
}

/// Takes over the connection of an answer that switches protocols.
pub(super) async fn stream(
    what: &'static str,
    answer: Response<Incoming>,
) -> Result<GuestStream, GuestError> {
    let status = answer.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        return Err(GuestError::NoStream { what, status: status.as_u16() });
    }
    let upgraded = hyper::upgrade::on(answer).await;
    upgraded.map(TokioIo::new).map_err(|source| GuestError::Broken { what, source })
}

/// Runs `call` for at most `limit`.
pub(super) async fn within<T>(
    what: &'static str,
    limit: Duration,
    call: impl Future<Output = Result<T, GuestError>>,
) -> Result<T, GuestError> {
    tokio::time::timeout(limit, call).await.unwrap_or(Err(GuestError::TimedOut { what, limit }))
}

/// Opens a TCP connection to `port` of the guest's 127.0.0.1, over a connection to its agent on which
/// the handshake is done.
///
/// # Errors
///
/// [`GuestError`]; a port that nobody listens on is [`GuestError::Refused`].
pub async fn forward_over<Io>(io: Io, port: Port) -> Result<GuestStream, GuestError>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ask = Ask {
        what: "forward a port",
        method: Method::POST,
        target: format!("/v1/forward?port={port}"),
        upgrade: Some(UPGRADE_FORWARD),
    };
    within(ask.what, OPEN_LIMIT, async {
        let answer = send(io, &ask, whole_body(Bytes::new())).await?;
        stream(ask.what, answer).await
    })
    .await
}
