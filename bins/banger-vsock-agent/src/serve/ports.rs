//! Who listens in the guest.

use std::{collections::HashMap, fs, io, path::Path};

use guest::Listener;
use model::Port;

use super::{
    reply::{Answer, Refused, json},
    tcp::{self, Socket, State},
};

pub(super) async fn answer() -> Answer {
    // Many processes are many small reads.
    let listeners = tokio::task::spawn_blocking(list).await.map_err(io::Error::other).flatten();
    Ok(json(&listeners.map_err(|error| Refused::failed("list who listens", &error))?))
}

fn list() -> io::Result<Vec<Listener>> {
    let sockets: Vec<Socket> =
        tcp::sockets().into_iter().filter(|socket| socket.state == State::Listens).collect();
    let owners = if sockets.is_empty() { HashMap::new() } else { owners(Path::new("/proc"))? };
    let listener = |socket: Socket| {
        let process = owners.get(&socket.inode).cloned();
        Some(Listener { port: Port::new(socket.port)?, address: socket.address.to_string(), process })
    };
    let mut listeners: Vec<Listener> = sockets.into_iter().filter_map(listener).collect();
    listeners.sort_by(|a, b| (a.port, &a.address).cmp(&(b.port, &b.address)));
    listeners.dedup();
    Ok(listeners)
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
    fn who_listens_is_found_with_its_name() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = list().unwrap().into_iter().find(|found| found.port.number() == port).unwrap();
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!((found.address.as_str(), found.process.as_deref()), ("127.0.0.1", Some(name.trim_end())));
    }
}
