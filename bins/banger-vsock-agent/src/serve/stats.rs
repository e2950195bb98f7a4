//! What the guest uses.

use std::{fs, io};

use guest::{Activity, Stats};
use rustix::{fs::statvfs, param::clock_ticks_per_second};

use super::{
    health::Guest,
    reply::{Answer, Refused, json},
    tcp::{self, Socket, State},
};

pub(super) fn answer(guest: &Guest) -> Answer {
    let stats = read(guest).map_err(|error| Refused::failed("read what the guest uses", &error))?;
    Ok(json(&stats))
}

fn read(guest: &Guest) -> io::Result<Stats> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let (root_total_bytes, root_free_bytes) = room("/")?;
    let (home_total_bytes, home_free_bytes) = room("/root").unwrap_or_default();
    Ok(Stats {
        memory_total_bytes: meminfo(&memory, "MemTotal"),
        memory_available_bytes: meminfo(&memory, "MemAvailable"),
        cpu_busy_millis: cpu_busy_ticks(&fs::read_to_string("/proc/stat")?) * 1000
            / clock_ticks_per_second().max(1),
        root_total_bytes,
        root_free_bytes,
        home_total_bytes,
        home_free_bytes,
        load_1m_hundredths: load(&fs::read_to_string("/proc/loadavg")?),
        activity: Some(Activity {
            sessions_open: guest.sessions.open(),
            sessions_begun: guest.sessions.begun(),
            connections: connections(&tcp::sockets()),
        }),
    })
}

/// Those that somebody else is at the other end of.
fn connections(sockets: &[Socket]) -> u32 {
    let others = sockets
        .iter()
        .filter(|socket| socket.state == State::Established && !socket.peer.to_canonical().is_loopback());
    u32::try_from(others.count()).unwrap_or(u32::MAX)
}

fn room(path: &str) -> io::Result<(u64, u64)> {
    let room = statvfs(path)?;
    Ok((room.f_blocks * room.f_frsize, room.f_bavail * room.f_frsize))
}

/// A line of `/proc/meminfo`, in bytes.
fn meminfo(text: &str, key: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// All of the first line of `/proc/stat` but idle, waiting for I/O, and guests (which are in user already).
fn cpu_busy_ticks(text: &str) -> u64 {
    let line = text.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    let ticks = line.split_whitespace().map(|ticks| ticks.parse::<u64>().unwrap_or(0));
    ticks.take(8).enumerate().filter(|(field, _)| !matches!(field, 3 | 4)).map(|(_, ticks)| ticks).sum()
}

fn load(text: &str) -> u64 {
    let (whole, hundredths) =
        text.split(' ').next().and_then(|load| load.split_once('.')).unwrap_or_default();
    whole.parse::<u64>().unwrap_or(0) * 100 + hundredths.parse::<u64>().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        assert_eq!(meminfo("MemTotal:  1000 kB\nMemAvailable:  7 kB\n", "MemAvailable"), 7 * 1024);
        assert_eq!(cpu_busy_ticks("cpu  1 2 4 1000 1000 8 16 32 64 64\ncpu0 5"), 63);
        assert_eq!(load("1.25 0.5 0.1 1/2 3"), 125);
        let socket = |state, peer: &str| Socket {
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            port: 80,
            peer: peer.parse().unwrap(),
            state,
            inode: 1,
        };
        let sockets = [
            socket(State::Established, "10.0.2.2"),
            socket(State::Established, "::ffff:127.0.0.1"),
            socket(State::Established, "::1"),
            socket(State::Listens, "0.0.0.0"),
        ];
        assert_eq!(connections(&sockets), 1);
        assert_eq!((meminfo("", "MemTotal"), cpu_busy_ticks(""), load("")), (0, 0, 0));
    }
}
