//! A session that is bytes and nothing else, to a socket of the guest's and back.

use std::os::fd::AsFd;

use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    reply::{Body, switching},
    sessions::Session,
};
use crate::relay::relay;

/// Switches to `protocol`, and has the bytes carried until both ends are done or one is gone. So long it counts.
pub(super) fn carry<S>(
    mut request: Request<Incoming>,
    protocol: &'static str,
    connection: S,
    counted: Session,
) -> Response<Body>
where
    S: AsyncRead + AsyncWrite + AsFd + Send + 'static,
{
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(stream) = upgrade.await {
            // Either end may break at any time; both have learnt of it.
            let _ = relay(connection, TokioIo::new(stream)).await;
        }
        drop(counted);
    });
    switching(protocol)
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use guest::{UPGRADE_FORWARD, UPGRADE_SSH};
    use hyper::{server::conn::http1, service::service_fn};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        net::UnixStream,
        task::yield_now,
        time::timeout,
    };

    use super::*;
    use crate::serve::sessions::Sessions;

    const LIMIT: Duration = Duration::from_mins(1);

    /// A client's end of a session, what it leads to, and the counts of the agent.
    async fn open(protocol: &'static str) -> (DuplexStream, UnixStream, Arc<Sessions>) {
        let sessions = Arc::new(Sessions::default());
        let (near, sshd) = UnixStream::pair().unwrap();
        let (mut client, agent) = duplex(1024);
        let once = Mutex::new(Some((near, sessions.begin())));
        let service = service_fn(move |request| {
            let (near, counted) = once.lock().unwrap().take().unwrap();
            async move { Ok::<_, Infallible>(carry(request, protocol, near, counted)) }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(agent), service).with_upgrades());
        let asks =
            format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n");
        client.write_all(asks.as_bytes()).await.unwrap();
        let mut answer = vec![];
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(client.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        (client, sshd, sessions)
    }

    async fn until_closed(sessions: &Sessions) {
        let closed = timeout(LIMIT, async {
            while sessions.open() > 0 {
                yield_now().await;
            }
        });
        closed.await.expect("it counts no more");
    }

    #[tokio::test]
    async fn it_counts_as_long_as_it_is_open_and_no_longer() {
        for protocol in [UPGRADE_SSH, UPGRADE_FORWARD] {
            let (mut client, mut there, sessions) = open(protocol).await;
            let mut heard = [0; 4];
            client.write_all(b"SSH-").await.unwrap();
            there.read_exact(&mut heard).await.unwrap();
            assert_eq!((&heard, sessions.open(), sessions.begun()), (b"SSH-", 1, 1), "{protocol}");
            there.write_all(b"2.0\n").await.unwrap();
            client.read_exact(&mut heard).await.unwrap();
            // Nothing goes over it any more, and it is open.
            assert_eq!((&heard, sessions.open()), (b"2.0\n", 1), "{protocol}");
            // As when a client is killed: sshd hears of it, and ends.
            drop(client);
            assert_eq!(there.read(&mut heard).await.unwrap(), 0, "{protocol}");
            drop(there);
            until_closed(&sessions).await;
            assert_eq!(sessions.begun(), 1);
        }
    }
}
