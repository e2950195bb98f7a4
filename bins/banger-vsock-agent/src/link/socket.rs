//! The machine's unix socket: Firecracker's handshake, then the session's bytes.

use std::{
    fs, io,
    os::{
        fd::{BorrowedFd, FromRawFd, OwnedFd},
        unix::{fs::PermissionsExt, net::UnixListener as StdListener},
    },
    path::Path,
    time::Duration,
};

use rustix::{
    io::FdFlags,
    net::{AddressFamily, SocketType, sockopt},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};

use super::sessions::{GREETING_BYTES_MAX, Sessions};
use crate::relay::relay;

/// How long a client may take to say where it wants to go.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// What to wait after an accept that failed (no descriptors left, say).
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens at `path`, for the owner alone. It appears there when it can be connected to.
pub(super) fn listen(path: &Path) -> io::Result<UnixListener> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    fs::rename(&new, path)?;
    Ok(listener)
}

/// Takes over a socket that whoever started the link made and listens on.
///
/// The number is believed only where it is a listening unix socket that closes on exec from now on.
pub(super) fn adopt(number: i32) -> io::Result<UnixListener> {
    let socket = take(number)?;
    let is_listening = sockopt::socket_domain(&socket)? == AddressFamily::UNIX
        && sockopt::socket_type(&socket)? == SocketType::STREAM
        && sockopt::socket_acceptconn(&socket)?;
    if !is_listening {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no listening unix socket"));
    }
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    let listener = StdListener::from(socket);
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Takes an open descriptor by its number.
#[expect(unsafe_code, reason = "a descriptor that is handed in has nothing but a number")]
fn take(number: i32) -> io::Result<OwnedFd> {
    // SAFETY: it is only borrowed, for one call that fails where it is not open.
    rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) })?;
    // SAFETY: it is open, and the command line says that it is this process's; nothing else here knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

pub(super) async fn accept(listener: UnixListener, sessions: Sessions) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(serve(client, sessions.clone()));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(mut client: UnixStream, sessions: Sessions) {
    // Before the greeting is read: while the guest is not up, a client is to learn it at once.
    let Some(mut session) = sessions.open().await else { return };
    let Ok(Ok(greeting)) = timeout(GREETING_LIMIT, greeting(&mut client)).await else { return };
    if session.channel.write_all(&greeting).await.is_err() || session.channel.flush().await.is_err() {
        return;
    }
    // Either direction may break at any time; both ends have learnt of it.
    let _ = relay(client, session.channel).await;
    drop(session.place);
}

/// Reads the client's first line.
async fn greeting(client: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(GREETING_BYTES_MAX);
    while line.last() != Some(&b'\n') {
        if line.len() == GREETING_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        line.push(client.read_u8().await?);
    }
    Ok(line)
}
