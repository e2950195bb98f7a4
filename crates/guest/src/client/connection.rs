//! The calls, one connection each.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::{Method, body::Frame as BodyFrame};
use model::Port;
use rustix::fs::{Mode, OFlags};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use tokio_util::{codec::Framed, io::ReaderStream};

use super::{
    ExecSession, GuestError, GuestStream, TreeReader, forward_over,
    http::{self, Ask, OPEN_LIMIT, whole_body, within},
};
use crate::{
    AGENT_PORT, ExecRequest, Health, Identity, Listener, Stats, UPGRADE_EXEC, UPGRADE_SSH, Written,
    frame::FrameCodec,
};

/// The name of a machine's link socket in the machine's directory.
pub const LINK_SOCKET_NAME: &str = "link.sock";

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const CALL_LIMIT: Duration = Duration::from_secs(20);
const IDENTITY_LIMIT: Duration = Duration::from_mins(1);
/// The longest `OK <number>\n`, in bytes.
const OK_BYTES_MAX: usize = 32;

/// Where a machine's link is. Holding one holds nothing open: each call connects by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    dir: PathBuf,
}

impl Connection {
    /// Names the machine whose link socket lies in `dir`. The path may have any length.
    #[must_use]
    pub fn in_dir(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Asks how the agent and its guest are.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; it [is not up yet](GuestError::is_not_up_yet) while the guest boots. At most 30 seconds.
    pub async fn health(&self) -> Result<Health, GuestError> {
        self.call("ask for its health", Method::GET, "/v1/health", Bytes::new(), CALL_LIMIT).await
    }

    /// Tells the guest who it is. Telling it twice is telling it once.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; after [`GuestError::Refused`] the guest took a part of it. At most 70 seconds.
    pub async fn identity(&self, identity: &Identity) -> Result<Health, GuestError> {
        let what = "tell the guest who it is";
        self.call(what, Method::PUT, "/v1/identity", encode(what, identity)?, IDENTITY_LIMIT).await
    }

    /// Starts a command.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; a command that cannot be started is no error but the session's first frame.
    pub async fn exec(&self, request: &ExecRequest) -> Result<ExecSession, GuestError> {
        let what = "run a command";
        let stream = self.open(what, "/v1/exec", UPGRADE_EXEC, encode(what, request)?).await?;
        Ok(Framed::new(stream, FrameCodec))
    }

    /// Opens a TCP connection to `port` of the guest's 127.0.0.1.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; a port that nobody listens on is [`GuestError::Refused`].
    pub async fn forward(&self, port: Port) -> Result<GuestStream, GuestError> {
        forward_over(self.connect().await?, port).await
    }

    /// Opens the bytes of an SSH connection: the image's `sshd` at the other end.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; an image without `sshd` is [`GuestError::Refused`] with a hint.
    pub async fn ssh(&self) -> Result<GuestStream, GuestError> {
        self.open("open an SSH connection", "/v1/ssh", UPGRADE_SSH, Bytes::new()).await
    }

    /// Reads what is at `path` in the guest, as a tar stream whose first entry is the path's last component.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; a path that is not there is [`GuestError::Refused`]. Reading the stream has no limit of time.
    pub async fn get_tree(&self, path: &str) -> Result<TreeReader, GuestError> {
        let what = "copy from the guest";
        let ask = Ask { what, method: Method::GET, target: tree_target(path), upgrade: None };
        within(what, OPEN_LIMIT, async {
            let answer = http::send(self.connect().await?, &ask, whole_body(Bytes::new())).await?;
            Ok(TreeReader::new(answer.into_body()))
        })
        .await
    }

    /// Writes a tar stream below the directory `path` in the guest, which is made where it is missing.
    ///
    /// Has no limit of time: it takes as long as `tar` and the guest's disk do.
    ///
    /// # Errors
    ///
    /// [`GuestError`]; what came before the failure was written.
    pub async fn put_tree(
        &self,
        path: &str,
        tar: impl AsyncRead + Send + 'static,
    ) -> Result<Written, GuestError> {
        let what = "copy into the guest";
        let ask = Ask { what, method: Method::PUT, target: tree_target(path), upgrade: None };
        let body = StreamBody::new(FrameStream(Box::pin(ReaderStream::with_capacity(tar, 64 * 1024))));
        let answer = http::send(self.connect().await?, &ask, body.boxed_unsync()).await?;
        http::json(what, answer).await
    }

    /// Lists who listens in the guest.
    ///
    /// # Errors
    ///
    /// [`GuestError`]. At most 30 seconds.
    pub async fn ports(&self) -> Result<Vec<Listener>, GuestError> {
        self.call("list its ports", Method::GET, "/v1/ports", Bytes::new(), CALL_LIMIT).await
    }

    /// Asks what the guest uses.
    ///
    /// # Errors
    ///
    /// [`GuestError`]. At most 30 seconds.
    pub async fn stats(&self) -> Result<Stats, GuestError> {
        self.call("ask what it uses", Method::GET, "/v1/stats", Bytes::new(), CALL_LIMIT).await
    }

    /// Asks the guest to sync and power off. The answer comes before it does.
    ///
    /// # Errors
    ///
    /// [`GuestError`]. At most 30 seconds.
    pub async fn poweroff(&self) -> Result<(), GuestError> {
        let what = "power it off";
        let ask = Ask { what, method: Method::POST, target: "/v1/poweroff".to_owned(), upgrade: None };
        within(what, CALL_LIMIT, async {
            http::send(self.connect().await?, &ask, whole_body(Bytes::new())).await.map(drop)
        })
        .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        what: &'static str,
        method: Method,
        target: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<T, GuestError> {
        let ask = Ask { what, method, target: target.to_owned(), upgrade: None };
        within(what, limit, async {
            let answer = http::send(self.connect().await?, &ask, whole_body(body)).await?;
            http::json(what, answer).await
        })
        .await
    }

    async fn open(
        &self,
        what: &'static str,
        target: &str,
        upgrade: &'static str,
        body: Bytes,
    ) -> Result<GuestStream, GuestError> {
        let ask = Ask { what, method: Method::POST, target: target.to_owned(), upgrade: Some(upgrade) };
        within(what, OPEN_LIMIT, async {
            let answer = http::send(self.connect().await?, &ask, whole_body(body)).await?;
            http::stream(what, answer).await
        })
        .await
    }

    /// Connects to the link and does the handshake.
    async fn connect(&self) -> Result<UnixStream, GuestError> {
        let handshake = async {
            let no_link = |source| GuestError::NoLink { dir: self.dir.clone(), source };
            let mut stream = connect_in(&self.dir).await.map_err(no_link)?;
            shake_hands(&mut stream).await.map_err(|_| GuestError::NotUp)?;
            Ok(stream)
        };
        within("connect to the guest", HANDSHAKE_LIMIT, handshake).await
    }
}

/// Connects to the link socket in `dir`. A socket's path has 108 bytes, a directory's has more.
async fn connect_in(dir: &Path) -> io::Result<UnixStream> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = File::from(rustix::fs::open(dir, flags, Mode::empty())?);
    UnixStream::connect(format!("/proc/self/fd/{}/{LINK_SOCKET_NAME}", dir.as_raw_fd())).await
}

async fn shake_hands(stream: &mut UnixStream) -> io::Result<()> {
    stream.write_all(format!("CONNECT {AGENT_PORT}\n").as_bytes()).await?;
    let mut line = Vec::with_capacity(OK_BYTES_MAX);
    while line.len() < OK_BYTES_MAX {
        match stream.read_u8().await? {
            b'\n' if line.starts_with(b"OK ") => return Ok(()),
            b'\n' => break,
            byte => line.push(byte),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the link's greeting is none"))
}

fn encode(what: &'static str, value: &impl Serialize) -> Result<Bytes, GuestError> {
    let bytes = serde_json::to_vec(value).map_err(|source| GuestError::BadMessage { what, source })?;
    Ok(bytes.into())
}

fn tree_target(path: &str) -> String {
    format!("/v1/tree?path={}", crate::query::encode(path))
}

/// The bytes of a reader as the frames of a body.
struct FrameStream<R>(std::pin::Pin<Box<ReaderStream<R>>>);

impl<R: AsyncRead> futures::Stream for FrameStream<R> {
    type Item = io::Result<BodyFrame<Bytes>>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx).map(|next| next.map(|bytes| bytes.map(BodyFrame::data)))
    }
}
