//! Each pure crate's own `clippy.toml` repeats the root's and closes the ways to the world.

use toml::Table;

use crate::Breach;

const KEY: &str = "disallowed-methods";

/// The ways that every pure crate closes.
pub const WAYS: &[&str] = &[
    "std::env::args",
    "std::env::current_dir",
    "std::env::var",
    "std::env::var_os",
    "std::fs::File::create",
    "std::fs::File::open",
    "std::fs::OpenOptions::new",
    "std::fs::create_dir_all",
    "std::fs::metadata",
    "std::fs::read",
    "std::fs::read_dir",
    "std::fs::read_to_string",
    "std::fs::remove_dir_all",
    "std::fs::remove_file",
    "std::fs::rename",
    "std::fs::write",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener::bind",
    "std::net::TcpStream::connect",
    "std::net::UdpSocket::bind",
    "std::os::unix::net::UnixListener::bind",
    "std::os::unix::net::UnixStream::connect",
    "std::path::Path::exists",
    "std::path::Path::is_dir",
    "std::path::Path::is_file",
    "std::process::Command::new",
    "std::process::exit",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
];

/// Holds a pure crate's `clippy.toml` to the root's and to [`WAYS`].
#[must_use]
pub fn check(name: &str, root: &Table, own: &Table) -> Vec<Breach> {
    let mut breaches = vec![];
    for (key, value) in root.iter().filter(|(key, value)| own.get(*key) != Some(*value)) {
        breaches.push(Breach::new(name, format!("its clippy.toml should repeat {key} = {value}")));
    }
    let closed = own.get(KEY).and_then(|methods| methods.as_array()).map(Vec::as_slice).unwrap_or_default();
    let text =
        |method: &toml::Value, key: &str| method.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    for way in WAYS {
        let entry = closed.iter().find(|method| text(method, "path").as_deref() == Some(way));
        if entry.and_then(|entry| text(entry, "reason")).is_none_or(|reason| reason.is_empty()) {
            breaches.push(Breach::new(name, format!("its clippy.toml should close {way}, with a reason")));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_left_open_and_a_setting_left_out_are_found() {
        let root: Table = toml::from_str("too-many-lines-threshold = 60").unwrap();
        let closed: Vec<_> =
            WAYS.iter().map(|way| format!("{{ path = \"{way}\", reason = \"r\" }}")).collect();
        let good = format!("too-many-lines-threshold = 60\n{KEY} = [\n{}]", closed.join(",\n"));
        let found = |text: &str| check("vm", &root, &toml::from_str(text).unwrap()).len();
        assert_eq!(found(&good), 0);
        assert_eq!(found(&good.replace("= 60", "= 90")), 1);
        assert_eq!(found(&good.replace("std::thread::sleep", "std::thread::park")), 1);
        assert_eq!(found(&good.replacen("\"r\"", "\"\"", 1)), 1);
        assert_eq!(found("too-many-lines-threshold = 60"), WAYS.len());
    }
}
