//! What a thread packs, on its way into a guest.

use std::{
    io,
    os::unix::net::UnixStream as StdStream,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    thread,
};

use guest::client::{Connection, GuestError};
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::UnixStream,
};

use crate::fault::{Explain, Fault};

/// Why a tree did not get into a guest.
#[derive(Debug)]
pub(crate) enum UploadError<E> {
    /// It could not be packed.
    Pack {
        /// Why.
        source: E,
    },
    /// The guest did not take it.
    Guest {
        /// Why.
        source: GuestError,
    },
    /// No stream can be made here.
    Stream {
        /// What the system said.
        source: io::Error,
    },
}

impl<E: Explain> Explain for UploadError<E> {
    fn explain(self, doing: &str) -> Fault {
        match self {
            Self::Pack { source } => source.explain(doing),
            Self::Guest { source } => source.explain(doing),
            Self::Stream { source } => source.explain(doing),
        }
    }
}

/// Why something could not be packed.
pub(crate) trait PackError: Explain + Send + 'static {
    /// Whether it was only that nobody took it any more.
    fn is_hang_up(&self) -> bool;
}

/// Writes the tar that `pack` makes, in a thread of its own, below the directory `dir` of the guest. Dropping this ends
/// both.
pub(crate) async fn upload<T, E>(
    guest: &Connection,
    dir: &str,
    pack: impl FnOnce(&mut StdStream) -> Result<T, E> + Send + 'static,
) -> Result<T, UploadError<E>>
where
    T: Send + 'static,
    E: PackError,
{
    let broken = |source| UploadError::Stream { source };
    let (mut writer, reader) = StdStream::pair().map_err(broken)?;
    reader.set_nonblocking(true).map_err(broken)?;
    let stream = UnixStream::from_std(reader).map_err(broken)?;
    let result = Arc::new(Mutex::new(None));
    let told = Arc::clone(&result);
    thread::spawn(move || {
        let packed = pack(&mut writer);
        if let Ok(mut told) = told.lock() {
            *told = Some(packed);
        }
    });
    let written = guest.put_tree(dir, Packing { stream, result: Arc::clone(&result) }).await;
    let packed = result.lock().ok().and_then(|mut result| result.take());
    match (packed, written) {
        // What failed here, unless it failed because the guest hung up.
        (Some(Err(source)), Err(_)) if !source.is_hang_up() => Err(UploadError::Pack { source }),
        (_, Err(source)) => Err(UploadError::Guest { source }),
        (Some(Err(source)), Ok(_)) => Err(UploadError::Pack { source }),
        (Some(Ok(packed)), Ok(_)) => Ok(packed),
        // Its thread is gone without a word.
        (None, Ok(_)) => Err(broken(io::Error::other("what was packed cannot be told"))),
    }
}

/// What another thread packs. An end that is not the whole is an error, or the guest would take it for one.
struct Packing<T, E> {
    stream: UnixStream,
    result: Arc<Mutex<Option<Result<T, E>>>>,
}

impl<T, E> AsyncRead for Packing<T, E> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let is_end = buffer.filled().len() == before;
        let is_whole = self.result.lock().is_ok_and(|result| matches!(*result, Some(Ok(_))));
        if is_end && !is_whole {
            return Poll::Ready(Err(io::Error::other("what is copied cannot be read to its end")));
        }
        Poll::Ready(Ok(()))
    }
}
