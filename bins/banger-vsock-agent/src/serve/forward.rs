//! A TCP connection to a port of the guest.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use guest::{UPGRADE_FORWARD, query};
use hyper::{Request, body::Incoming};
use model::Port;
use tokio::{net::TcpStream, time::timeout};

use super::{
    carry::carry,
    reply::{Answer, Refused, must_upgrade},
    sessions::Session,
};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn answer(request: Request<Incoming>, counted: Session) -> Answer {
    must_upgrade(&request, UPGRADE_FORWARD)?;
    let port = query::value(request.uri().query().unwrap_or_default(), "port");
    let port: Port = port
        .and_then(|port| port.parse().ok())
        .ok_or_else(|| Refused::bad("a forward wants port=N, from 1 to 65535"))?;
    let connection = connect(port)
        .await
        .map_err(|error| Refused::failed(&format!("connect to port {port} of the guest"), &error))?;
    Ok(carry(request, UPGRADE_FORWARD, connection, counted))
}

/// Some servers listen on the IPv6 loopback alone.
async fn connect(port: Port) -> io::Result<TcpStream> {
    let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port.number()));
    let connected = timeout(CONNECT_LIMIT, async {
        match TcpStream::connect(v4).await {
            Ok(stream) => Ok(stream),
            Err(error) => TcpStream::connect(v6).await.map_err(|_| error),
        }
    });
    let stream = connected.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
