//! The kernel's tables of TCP sockets (`proc_net_tcp(5)`).

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// A socket, as the kernel's table has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Its own address.
    pub(super) address: IpAddr,
    /// Its own port.
    pub(super) port: u16,
    /// Who is at the other end.
    pub(super) peer: IpAddr,
    /// How it stands.
    pub(super) state: State,
    /// Its inode, by which processes are told.
    pub(super) inode: u64,
}

/// How a socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It listens.
    Listens,
    /// It is connected.
    Established,
    /// It comes or goes.
    Other,
}

/// Every TCP socket.
pub(super) fn sockets() -> Vec<Socket> {
    let mut sockets = vec![];
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        // Without IPv6 there is one table.
        let text = fs::read_to_string(table).unwrap_or_default();
        sockets.extend(text.lines().filter_map(parse));
    }
    sockets
}

/// Reads a line of either table; `None` for its head.
fn parse(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    let (peer, _) = fields.next()?.split_once(':')?;
    let state = match fields.next()? {
        "0A" => State::Listens,
        "01" => State::Established,
        _ => State::Other,
    };
    let inode = fields.nth(5)?.parse().ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Socket { address: parse_address(address)?, port, peer: parse_address(peer)?, state, inode })
}

/// Words of 4 bytes in the processor's order, which is little-endian on what we run on.
fn parse_address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_le_bytes);
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernels_tables() {
        let tail = "00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0";
        let six = "00000000000000000000000001000000";
        for (line, want) in [
            (
                format!("   0: 0100007F:1F90 00000000:0000 0A {tail}"),
                Some(("127.0.0.1", "0.0.0.0", State::Listens)),
            ),
            (
                format!("   1: 00000000:1F90 00000000:0000 06 {tail}"),
                Some(("0.0.0.0", "0.0.0.0", State::Other)),
            ),
            (
                format!("   2: 0100007F:1F90 0200000A:9999 01 {tail}"),
                Some(("127.0.0.1", "10.0.0.2", State::Established)),
            ),
            (format!("   0: {six}:1F90 {six}:0000 0A {tail}"), Some(("::1", "::1", State::Listens))),
            ("  sl  local_address rem_address   st tx_queue rx_queue".to_owned(), None),
            (String::new(), None),
        ] {
            let found = parse(&line);
            let told = found.as_ref().map(|it| (it.address.to_string(), it.peer.to_string(), it.state));
            let want = want.map(|(address, peer, state)| (address.to_owned(), peer.to_owned(), state));
            assert_eq!(told, want, "{line}");
            assert!(found.is_none_or(|socket| (socket.port, socket.inode) == (8080, 4242)));
        }
    }
}
