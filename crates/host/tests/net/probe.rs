//! Who reaches whom: a listener that says whom it saw, a connection, a ping.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrV4, SocketFlags, SocketType, bind, ipproto, recv, sendto,
    socket_with, sockopt,
};

use crate::space::Space;

/// How long what must not arrive is given to arrive nevertheless.
pub(crate) const NEVER: Duration = Duration::from_millis(600);
/// How long what must arrive is given, on a host that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(20);
const PORT: u16 = 80;

/// Listens on every address of `space` until the test ends, and says to each client what its address is.
pub(crate) fn listen(space: &Space) {
    listen_on(space, PORT);
}

/// As [`listen`], on another port.
pub(crate) fn listen_on(space: &Space, port: u16) {
    let listener = space.run(|| bound(port));
    thread::spawn(move || answer(&listener));
}

/// As [`listen`], here.
pub(crate) fn listen_here() {
    let listener = bound(PORT);
    thread::spawn(move || answer(&listener));
}

fn bound(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()
}

fn answer(listener: &TcpListener) {
    while let Ok((mut client, address)) = listener.accept() {
        let _gone = client.write_all(address.ip().to_string().as_bytes());
    }
}

/// Connects from here, and returns the address that the listener saw; `None` where nobody answered.
pub(crate) fn seen_as_from_here(address: &str) -> Option<String> {
    seen_at(address, PORT, SOON)
}

/// Whether nobody answers a connection from here.
pub(crate) fn unseen_from_here(address: &str) -> bool {
    seen_at(address, PORT, NEVER).is_none()
}

/// As [`seen_as_from_here`], on another port and with another limit.
pub(crate) fn seen_at(address: &str, port: u16, limit: Duration) -> Option<String> {
    let address = SocketAddr::from((address.parse::<Ipv4Addr>().unwrap(), port));
    let mut stream = TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}

/// As [`unseen_from_here`], from `space`.
pub(crate) fn unseen(space: &Space, address: &str) -> bool {
    space.run(|| unseen_from_here(address))
}

/// As [`seen_as_from_here`], from `space`.
pub(crate) fn seen_as(space: &Space, address: &str) -> Option<String> {
    space.run(|| seen_as_from_here(address))
}

/// Somebody who waits for a word, without an answer to it.
pub(crate) struct Ear(UdpSocket);

impl Ear {
    pub(crate) fn here() -> Self {
        Self(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 5353)).unwrap())
    }

    pub(crate) fn of(space: &Space) -> Self {
        space.run(Self::here)
    }

    /// Whether a word that `space` sends with the address `from` to `to` is heard.
    pub(crate) fn hears(&self, space: &Space, from: &str, to: &str) -> bool {
        self.hears_within(SOON, space, from, to)
    }

    /// Whether it is not.
    pub(crate) fn misses(&self, space: &Space, from: &str, to: &str) -> bool {
        !self.hears_within(NEVER, space, from, to)
    }

    fn hears_within(&self, limit: Duration, space: &Space, from: &str, to: &str) -> bool {
        let (from, to): (Ipv4Addr, Ipv4Addr) = (from.parse().unwrap(), to.parse().unwrap());
        space.run(|| {
            let mouth = UdpSocket::bind((from, 0)).unwrap();
            mouth.set_broadcast(true).unwrap();
            mouth.send_to(b"word", (to, 5353)).unwrap();
        });
        self.0.set_read_timeout(Some(limit)).unwrap();
        self.0.recv(&mut [0; 8]).is_ok()
    }
}

/// Whether a ping from `space`, sent with the address `from`, is answered.
pub(crate) fn pings(space: &Space, from: &str, to: &str) -> bool {
    pings_within(SOON, space, from, to)
}

/// Whether it is not.
pub(crate) fn misses(space: &Space, from: &str, to: &str) -> bool {
    !pings_within(NEVER, space, from, to)
}

fn pings_within(limit: Duration, space: &Space, from: &str, to: &str) -> bool {
    let (from, to): (Ipv4Addr, Ipv4Addr) = (from.parse().unwrap(), to.parse().unwrap());
    space.run(|| {
        let socket =
            socket_with(AddressFamily::INET, SocketType::RAW, SocketFlags::CLOEXEC, Some(ipproto::ICMP))
                .unwrap();
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(limit)).unwrap();
        bind(&socket, &SocketAddrV4::new(from, 0)).unwrap();
        // Echo request, number 0x4247; its sum is the complement of all other words.
        let request = [8, 0, 0xb5, 0xb8, 0x42, 0x47, 0, 0];
        if sendto(&socket, &request, SendFlags::empty(), &SocketAddrV4::new(to, 0)).is_err() {
            return false;
        }
        let mut reply = [0_u8; 64];
        while let Ok((len, _)) = recv(&socket, &mut reply[..], RecvFlags::empty()) {
            // Behind 20 bytes of IPv4: echo reply, and our number.
            if len >= 28 && reply[20] == 0 && reply[24..26] == [0x42, 0x47] && reply[12..16] == to.octets() {
                return true;
            }
        }
        false
    })
}
