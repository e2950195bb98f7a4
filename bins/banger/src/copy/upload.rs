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
    sync::oneshot,
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
    let (tell, is_told) = oneshot::channel();
    thread::spawn(move || {
        let packed = pack(&mut writer);
        if let Ok(mut told) = told.lock() {
            *told = Some(packed);
        }
        tell.send(()).ok();
    });
    let written = guest.put_tree(dir, Packing { stream, result: Arc::clone(&result) }).await;
    if written.is_ok() {
        // A guest answers when it has read the end of the archive, which may be before its last writer says so.
        is_told.await.ok();
    }
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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        os::unix::net::UnixListener,
        sync::mpsc,
    };

    use super::*;
    use crate::copy::CopyError;

    /// Answers one upload as soon as `mark` has come, and says so.
    fn answer(listener: &UnixListener, mark: &[u8], answered: &mpsc::Sender<()>) {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut seen, mut piece) = (vec![], [0; 4096]);
        let mut has_shaken_hands = false;
        while !seen.windows(mark.len()).any(|bytes| bytes == mark) {
            let count = stream.read(&mut piece).unwrap();
            assert!(count > 0, "it hung up");
            seen.extend_from_slice(&piece[..count]);
            if !has_shaken_hands && seen.contains(&b'\n') {
                stream.write_all(b"OK 1\n").unwrap();
                has_shaken_hands = true;
            }
        }
        let body = r#"{"entries":1,"bytes":1}"#;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        answered.send(()).unwrap();
    }

    #[tokio::test]
    async fn a_guest_may_answer_before_the_packer_is_done() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(dir.path().join("link.sock")).unwrap();
            let (answered, is_answered) = mpsc::channel();
            let guest = thread::spawn(move || answer(&listener, b"the end", &answered));
            let connection = Connection::in_dir(dir.path());
            let done = upload(&connection, "/x", move |to| {
                to.write_all(b"the end").map_err(|source| CopyError::Stream { source })?;
                is_answered.recv().ok();
                Ok::<_, CopyError>(7)
            });
            assert_eq!(done.await.unwrap(), 7);
            guest.join().unwrap();
        }
    }
}
