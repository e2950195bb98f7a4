//! The socket: who may speak, how many at once, for how long.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections at once. More wait in the queue of the socket.
const CONNECTIONS_MAX: usize = 256;

/// How long a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a request is held in memory while its head is read, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long to wait after the system refused a connection, as with too many descriptors open.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// What is being served.
#[derive(Debug)]
pub(crate) struct Listening {
    /// Ends the accepting.
    pub(crate) stop: CancellationToken,
    /// Ends each connection after the reply that it is at.
    pub(crate) drain: CancellationToken,
    /// The connections.
    pub(crate) connections: TaskTracker,
}

/// Accepts connections from this user and from root until told to stop, and returns the socket.
pub(crate) async fn accept(
    listener: UnixListener,
    router: Router,
    listening: Arc<Listening>,
) -> UnixListener {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let own = rustix::process::geteuid().as_raw();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return listener };
        let accepted = tokio::select! {
            () = listening.stop.cancelled() => return listener,
            accepted = listener.accept() => accepted,
        };
        match accepted.and_then(|(stream, _)| admitted(stream, own)) {
            Ok(Some(stream)) => {
                let serving = serve(stream, router.clone(), listening.drain.clone());
                listening.connections.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// The socket's mode keeps others out; this holds where somebody changed it.
fn admitted(stream: UnixStream, own: u32) -> io::Result<Option<UnixStream>> {
    let uid = stream.peer_cred()?.uid();
    if uid == own || uid == 0 {
        return Ok(Some(stream));
    }
    tracing::warn!(uid, "a connection of another user was closed");
    Ok(None)
}

async fn serve(stream: UnixStream, router: Router, drain: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!("a connection ended early: {error}");
    }
}
