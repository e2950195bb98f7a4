//! Bodies of any size, written by a thread of their own.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// Bytes that are handed over at once, and how many such pieces wait at most.
const PIECE_BYTES: usize = 256 * 1024;
const PIECES_MAX: usize = 4;

type Source = dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync;

/// What is sent as the body of an import. Can be sent again from its beginning.
#[derive(Clone)]
pub struct Upload {
    source: Arc<Source>,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upload")
    }
}

/// Where the thread leaves the reason for which it stopped early.
pub(super) type Fault = Arc<Mutex<Option<io::Error>>>;

impl Upload {
    /// Sends whatever `source` writes. It is called once for each try.
    #[must_use]
    pub fn new(source: impl Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(source) }
    }

    /// Sends a file's bytes.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        Self::new(move |out| io::copy(&mut File::open(&path)?, out).map(|_| ()))
    }

    pub(super) fn body(&self) -> (UnsyncBoxBody<Bytes, io::Error>, Fault) {
        let (sender, mut receiver) = mpsc::channel(PIECES_MAX);
        let fault = Fault::default();
        let (source, told) = (Arc::clone(&self.source), Arc::clone(&fault));
        thread::spawn(move || {
            let mut out = io::BufWriter::with_capacity(PIECE_BYTES, ToChannel { sender: sender.clone() });
            let done = source(&mut out).and_then(|()| out.flush());
            // Dropped with what it still holds: half a piece must not look like an end.
            drop(out.into_parts());
            let Err(error) = done else { return };
            let end = io::Error::new(error.kind(), "what is to be sent ended early");
            if let Ok(mut told) = told.lock() {
                *told = Some(error);
            }
            sender.blocking_send(Err(end)).ok();
        });
        let frames = stream::poll_fn(move |context| {
            receiver.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
        });
        (StreamBody::new(frames).boxed_unsync(), fault)
    }
}

struct ToChannel {
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl ToChannel {
    fn send(&self, piece: Bytes) -> io::Result<()> {
        let hung_up = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the daemon reads no further");
        self.sender.blocking_send(Ok(piece)).map_err(hung_up)
    }
}

impl Write for ToChannel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(Bytes::copy_from_slice(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
