//! The socket: who may speak, how many at once, for how long.

use std::{
    convert::Infallible,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{Semaphore, watch},
};

use super::{
    call::{Call, answer, read},
    waiting::{Place, Waiting},
};
use crate::{
    Code, Refusal, Reply,
    limits::{CALL_LIMIT, CALLS_MAX, HEAD_BYTES_MAX, REPLY_WRITE_LIMIT},
};

/// How long to wait after the system refused a connection, as with too many descriptors open.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// How long those are waited for at the end that were let in and have not said yet what they want.
const HEAR_LIMIT: Duration = Duration::from_millis(500);
/// How long calls that are being worked on are waited for at the end. The unit allows ten seconds.
const STOP_LIMIT: Duration = Duration::from_secs(9);

/// Who may speak: root, and this one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The owner.
    pub owner_uid: u32,
}

impl Admitted {
    /// Whether a user may speak.
    #[must_use]
    pub fn has(self, uid: u32) -> bool {
        uid == 0 || uid == self.owner_uid
    }
}

/// Accepts connections and answers one call on each with what `handle` says, until `stop` is done; then waits for
/// what was begun, for a while.
///
/// A call that was begun is carried to its end, whether its caller stays or not. `handle` is never called for
/// somebody who may not speak, nor with something that cannot be meant.
pub async fn serve<H, F>(
    listener: UnixListener,
    admitted: Admitted,
    handle: H,
    stop: impl Future<Output = ()>,
) where
    H: Fn(Call) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Refusal>> + Send + 'static,
{
    let handle = Arc::new(handle);
    let (waiting, calls) = (Waiting::default(), Arc::new(Semaphore::new(CALLS_MAX)));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted.and_then(|(stream, _)| admit(stream, admitted)) {
            Ok(Some((stream, uid))) => {
                let place = waiting.enter();
                tokio::spawn(connection(stream, uid, place, Arc::clone(&calls), Arc::clone(&handle)));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
    drop(listener);
    // A caller that was let in may not know whether its call was begun, and makes no change twice: it is heard out.
    tokio::time::timeout(HEAR_LIMIT, waiting.none_left()).await.ok();
    if tokio::time::timeout(STOP_LIMIT, all(&calls)).await.is_err() {
        tracing::warn!("calls were being worked on when the helper ended");
    }
}

/// Waits until nothing is being worked on.
async fn all(calls: &Semaphore) {
    // Nobody closes it.
    let _all = calls.acquire_many(u32::try_from(CALLS_MAX).unwrap_or(1)).await;
}

/// The socket's mode keeps others out; this holds where somebody changed it.
fn admit(stream: UnixStream, admitted: Admitted) -> io::Result<Option<(UnixStream, u32)>> {
    let uid = stream.peer_cred()?.uid();
    if admitted.has(uid) {
        return Ok(Some((stream, uid)));
    }
    tracing::warn!(uid, "a connection of another user was closed");
    Ok(None)
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Read,
    Worked,
    Answered,
}

/// Serves one call: read within its limit, worked on without one, answered within one.
async fn connection<H, F>(stream: UnixStream, uid: u32, place: Place, calls: Arc<Semaphore>, handle: Arc<H>)
where
    H: Fn(Call) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Refusal>> + Send + 'static,
{
    let (phase, watched) = watch::channel(Phase::Read);
    let phase = Arc::new(phase);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (phase, calls, handle) = (Arc::clone(&phase), Arc::clone(&calls), Arc::clone(&handle));
        async move {
            let call = read(request, uid).await;
            phase.send_replace(Phase::Worked);
            let answered = match call {
                Ok(call) => work(call, &calls, handle).await,
                Err(refusal) => {
                    tracing::warn!(uid, code = ?refusal.code, "a call was refused: {refusal}");
                    Err(refusal)
                }
            };
            phase.send_replace(Phase::Answered);
            Ok::<_, Infallible>(answer(&answered))
        }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = connection => if let Err(error) = served {
            tracing::debug!(uid, "a connection ended early: {error}");
        },
        () = patience(watched, place) => tracing::debug!(uid, "a connection took too long"),
    }
}

/// Returns when a connection has had its time.
async fn patience(mut phase: watch::Receiver<Phase>, place: Place) {
    tokio::select! {
        () = place.told_to_go() => return,
        () = tokio::time::sleep(CALL_LIMIT) => return,
        _ = phase.wait_for(|phase| *phase != Phase::Read) => {}
    }
    drop(place);
    if phase.wait_for(|phase| *phase == Phase::Answered).await.is_ok() {
        tokio::time::sleep(REPLY_WRITE_LIMIT).await;
    }
}

/// Does what was asked, whether the caller stays or not, and writes down what became of it.
async fn work<H, F>(call: Call, calls: &Semaphore, handle: Arc<H>) -> Result<Reply, Refusal>
where
    H: Fn(Call) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Reply, Refusal>> + Send + 'static,
{
    // Nobody closes it.
    let _turn = calls.acquire().await;
    let (op, operation, uid, began) = (call.op.clone(), call.request.name(), call.uid, Instant::now());
    let machine = call.request.machine().map_or_else(String::new, ToString::to_string);
    let kind = call.request.clone();
    let done = tokio::spawn(async move { handle(call).await }).await;
    let answered = match done {
        Ok(Ok(reply)) if !reply.answers(&kind) => {
            Err(Refusal::new(Code::Internal, format!("{operation}: the answer is to another question")))
        }
        Ok(answered) => answered,
        Err(error) => Err(Refusal::new(Code::Internal, format!("{operation}: {error}"))),
    };
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &answered {
        Ok(_) => tracing::info!(%op, operation, machine, uid, millis, "done"),
        Err(refusal) => {
            tracing::warn!(%op, operation, machine, uid, millis, code = ?refusal.code, "refused: {refusal}");
        }
    }
    answered
}
