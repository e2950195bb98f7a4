//! One session: the handshake, then HTTP/1.1.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use guest::AGENT_PORT;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{health::Guest, route};

/// How long a client may take to say where it wants to go, and to send the head of a request.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// The longest `CONNECT <port>\n`, in bytes.
const GREETING_BYTES_MAX: usize = 32;

/// Serves one session to its end; a session that breaks takes nothing else with it.
pub(super) async fn serve<Io>(mut io: Io, guest: Arc<Guest>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if !matches!(timeout(HEAD_LIMIT, greet(&mut io)).await, Ok(Ok(()))) {
        return;
    }
    let service = service_fn(move |request| {
        let guest = guest.clone();
        async move { Ok::<_, Infallible>(route::answer(request, &guest).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    // A client that went away is no error of ours.
    let _ = http.serve_connection(TokioIo::new(io), service).with_upgrades().await;
}

async fn greet(io: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    let mut line = Vec::with_capacity(GREETING_BYTES_MAX);
    while line.len() < GREETING_BYTES_MAX {
        match io.read_u8().await? {
            b'\n' if line == format!("CONNECT {AGENT_PORT}").as_bytes() => {
                io.write_all(format!("OK {AGENT_PORT}\n").as_bytes()).await?;
                return io.flush().await;
            }
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
