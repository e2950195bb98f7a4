//! Which name servers a guest can use: those that the host really asks.

use std::net::{IpAddr, Ipv4Addr};

/// What the host's files say about name servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameServers {
    /// Those that a guest can ask, in the host's order.
    pub usable: Vec<Ipv4Addr>,
    /// Those that it cannot: on the host itself, which guests do not reach, or of IPv6, which they lack.
    pub unusable: Vec<IpAddr>,
}

/// How many a resolver asks (resolv.conf(5), `MAXNS`).
const SERVERS_MAX: usize = 3;

/// Reads the name servers of `resolv_conf`. Where it names only the host itself, as with
/// systemd-resolved, those in `resolved`, resolved's own list of the real ones, are taken instead.
/// `local` are the host's own addresses.
#[must_use]
pub fn name_servers(resolv_conf: &str, resolved: Option<&str>, local: &[Ipv4Addr]) -> NameServers {
    let first = read(resolv_conf, local);
    match resolved.map(|text| read(text, local)) {
        Some(second) if first.usable.is_empty() && !second.usable.is_empty() => second,
        _ => first,
    }
}

fn read(text: &str, local: &[Ipv4Addr]) -> NameServers {
    let mut found = NameServers::default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        // An IPv6 address may name an interface: fe80::1%eth0.
        let word = words.next().unwrap_or_default();
        match word.split('%').next().unwrap_or_default().parse() {
            Ok(IpAddr::V4(server)) if is_usable(server, local) => found.usable.push(server),
            Ok(server) => found.unusable.push(server),
            Err(_) => {}
        }
    }
    found.usable.truncate(SERVERS_MAX);
    found
}

fn is_usable(server: Ipv4Addr, local: &[Ipv4Addr]) -> bool {
    !server.is_loopback() && !server.is_unspecified() && !local.contains(&server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_get_the_servers_that_the_host_really_asks() {
        let local = [Ipv4Addr::new(192, 168, 1, 5)];
        let resolved = "# comment\nnameserver 10.0.0.53\nnameserver 10.0.0.54\n";
        let table: &[(&str, Option<&str>, &[&str], usize)] = &[
            ("nameserver 1.1.1.1\nnameserver 8.8.8.8\n", None, &["1.1.1.1", "8.8.8.8"], 0),
            ("nameserver 1.1.1.1\n", Some(resolved), &["1.1.1.1"], 0),
            ("nameserver 127.0.0.53\noptions edns0\n", Some(resolved), &["10.0.0.53", "10.0.0.54"], 0),
            ("nameserver 127.0.0.53\n", None, &[], 1),
            ("nameserver 127.0.0.1\n", Some("nameserver 127.0.0.1\n"), &[], 1),
            ("nameserver 192.168.1.5\n", None, &[], 1),
            ("nameserver fe80::1%eth0\nnameserver ::1\nnameserver\t9.9.9.9 \n", None, &["9.9.9.9"], 2),
            ("#nameserver 1.1.1.1\nnameserver\nnameserver x\nnameserversnameserver 1.2.3.4", None, &[], 0),
            (
                "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4",
                None,
                &["1.0.0.1", "1.0.0.2", "1.0.0.3"],
                0,
            ),
            ("", Some(resolved), &["10.0.0.53", "10.0.0.54"], 0),
            ("", None, &[], 0),
        ];
        for (text, resolved, usable, unusable) in table {
            let found = name_servers(text, *resolved, &local);
            let texts: Vec<String> = found.usable.iter().map(ToString::to_string).collect();
            assert_eq!(
                (texts.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), found.unusable.len()),
                (*usable, *unusable),
                "{text:?}"
            );
        }
    }
}
