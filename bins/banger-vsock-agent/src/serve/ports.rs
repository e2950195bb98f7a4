//! Who listens in the guest.

use std::{
    collections::HashMap,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use guest::Listener;
use model::Port;

use super::reply::{Answer, Refused, json};

pub(super) async fn answer() -> Answer {
    // Many processes are many small reads.
    let listeners = tokio::task::spawn_blocking(list).await.map_err(io::Error::other).flatten();
    Ok(json(&listeners.map_err(|error| Refused::failed("list who listens", &error))?))
}

fn list() -> io::Result<Vec<Listener>> {
    let mut sockets: Vec<Socket> = vec![];
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        // Without IPv6 there is one table.
        let text = fs::read_to_string(table).unwrap_or_default();
        sockets.extend(text.lines().filter_map(parse));
    }
    let owners = if sockets.is_empty() { HashMap::new() } else { owners(Path::new("/proc"))? };
    let mut listeners: Vec<Listener> = sockets
        .into_iter()
        .map(|Socket { address, port, inode }| Listener {
            port,
            address: address.to_string(),
            process: owners.get(&inode).cloned(),
        })
        .collect();
    listeners.sort_by(|a, b| (a.port, &a.address).cmp(&(b.port, &b.address)));
    listeners.dedup();
    Ok(listeners)
}

/// A listening socket, as the kernel's table has it.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    address: IpAddr,
    port: Port,
    inode: u64,
}

/// Reads a line of `/proc/net/tcp` or `tcp6`; `None` where nobody listens.
fn parse(line: &str) -> Option<Socket> {
    let mut fields = line.split_whitespace();
    let (address, port) = fields.nth(1)?.split_once(':')?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    if state != "0A" {
        return None;
    }
    let port = Port::new(u16::from_str_radix(port, 16).ok()?)?;
    Some(Socket { address: parse_address(address)?, port, inode })
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

/// The names of the processes that hold sockets, by the sockets' inodes.
fn owners(proc: &Path) -> io::Result<HashMap<u64, String>> {
    let mut owners = HashMap::new();
    for process in fs::read_dir(proc)?.flatten() {
        // It may have ended just now, and not every entry is a process.
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        for descriptor in descriptors.flatten() {
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            let inode = target
                .to_str()
                .and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok());
            if let Some(inode) = inode {
                owners.entry(inode).or_insert_with(|| name.trim_end().to_owned());
            }
        }
    }
    Ok(owners)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn lines_of_the_kernels_tables() {
        let tail = "00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0";
        for (line, address) in [
            (format!("   0: 0100007F:1F90 00000000:0000 0A {tail}"), Some("127.0.0.1")),
            (format!("   1: 00000000:1F90 00000000:0000 0A {tail}"), Some("0.0.0.0")),
            (format!("   2: 0100007F:1F90 0100007F:9999 01 {tail}"), None),
            (
                format!(
                    "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A {tail}"
                ),
                Some("::1"),
            ),
            ("  sl  local_address rem_address   st tx_queue rx_queue".to_owned(), None),
            (String::new(), None),
        ] {
            let found = parse(&line);
            assert_eq!(found.as_ref().map(|socket| socket.address.to_string()).as_deref(), address, "{line}");
            assert!(found.is_none_or(|socket| (socket.port.number(), socket.inode) == (8080, 4242)));
        }
    }

    #[test]
    fn who_listens_is_found_with_its_name() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = list().unwrap().into_iter().find(|found| found.port.number() == port).unwrap();
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!((found.address.as_str(), found.process.as_deref()), ("127.0.0.1", Some(name.trim_end())));
    }
}
