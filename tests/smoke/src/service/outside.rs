//! A server outside a host, which machines reach through it.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::Host;

/// Where it is outside a container.
const BEYOND: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// The gateway of an emulated computer, behind which this machine's loopback lies.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// Serves HTTP outside a host until it is dropped. To each request it answers with who asked, as it saw them.
#[derive(Debug)]
pub struct Outside {
    url: String,
    listener: TcpListener,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Outside {
    #[track_caller]
    pub(super) fn serve(host: &Host) -> Self {
        let (address, listener) = if host.is_computer() {
            (GATEWAY, TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        } else {
            (BEYOND, host.in_network_outside(|| TcpListener::bind((BEYOND, 80))))
        };
        let listener = listener.unwrap_or_else(|error| panic!("listen outside: {error}"));
        let port = listener.local_addr().map_or(0, |address| address.port());
        let server = listener.try_clone().unwrap_or_else(|error| panic!("listen outside: {error}"));
        let heard = Arc::default();
        let log = Arc::clone(&heard);
        thread::spawn(move || {
            while let Ok((stream, peer)) = server.accept() {
                let log = Arc::clone(&log);
                // One who hangs up is not answered.
                thread::spawn(move || drop(answer(&stream, peer, &log)));
            }
        });
        Self { url: format!("http://{address}:{port}/"), listener, heard }
    }

    /// What to ask for.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that was asked so far: `<address> <path>`. Of an emulated computer the address is this machine's.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // Whoever waits for a connection hears of it.
        let _ended = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
    }
}

fn answer(mut stream: &TcpStream, peer: SocketAddr, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{} {path}", peer.ip()));
    let body = format!("{}\n", peer.ip());
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}
