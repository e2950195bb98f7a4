//! Ports of the host's loopback that lead into the guest.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    path::Path,
};

use guest::client::forward_over;
use model::Port;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{args::Published, sessions::Sessions, socket::ACCEPT_PAUSE};
use crate::relay::relay;

/// A listening port and where it leads.
pub(super) struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    guest: Port,
}

/// Listens on the host's port; an error names it.
pub(super) fn listen(published: Published) -> Result<Listening, String> {
    let bind = || -> io::Result<Listening> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, published.host))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        Ok(Listening { listener, address, guest: published.guest })
    };
    bind().map_err(|error| format!("publish port {}: {}", published.host, crate::words::of(&error)))
}

/// Tells, in `file`, which port of the host leads where: `[{"host":49153,"guest":80}]`.
pub(super) fn tell(listening: &[Listening], file: &Path) -> io::Result<()> {
    let ports: Vec<BTreeMap<&str, u16>> = listening
        .iter()
        .map(|port| BTreeMap::from([("host", port.address.port()), ("guest", port.guest.number())]))
        .collect();
    let new = file.with_extension("json.new");
    fs::write(&new, serde_json::to_vec(&ports)?)?;
    fs::rename(new, file)
}

pub(super) async fn accept(listening: Listening, sessions: Sessions) {
    loop {
        match listening.listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(serve(client, listening.guest, sessions.clone()));
            }
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(client: TcpStream, port: Port, sessions: Sessions) {
    let _ = client.set_nodelay(true);
    let Some(session) = sessions.open_agent().await else { return };
    let Ok(guest) = forward_over(session.channel, port).await else { return };
    // Either direction may break at any time; both ends have learnt of it.
    let _ = relay(client, guest).await;
    drop(session.place);
}
