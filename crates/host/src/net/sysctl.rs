//! Which interfaces forward, and which did before us.
//!
//! What was switched on is recorded first, so that nothing is on without being in the record.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use network::IfName;
use serde::{Deserialize, Serialize};

use super::{error::NetError, places::Places};

const ALL: &str = "/proc/sys/net/ipv4/ip_forward";

/// What the host was like before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Interfaces that did not forward, and do because of us.
    pub(super) opened: BTreeSet<IfName>,
}

impl Record {
    /// Reads it; one that is not there, as after a reboot, is empty.
    pub(super) fn read(places: &Places) -> Result<Self, NetError> {
        let path = &places.record;
        match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            read => read
                .and_then(|text| serde_json::from_slice(&text).map_err(io::Error::from))
                .map_err(|source| NetError::File { what: "read", path: path.clone(), source }),
        }
    }

    /// Writes it; an empty one is no file.
    fn write(&self, places: &Places) -> Result<(), NetError> {
        let path = &places.record;
        let beside = path.with_extension("new");
        let written = if self.opened.is_empty() {
            fs::remove_file(path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
        } else {
            path.parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| fs::write(&beside, serde_json::to_vec(self)?))
                .and_then(|()| fs::rename(&beside, path))
        };
        written.map_err(|source| NetError::File { what: "write", path: path.clone(), source })
    }
}

/// Whether the host forwards between all interfaces.
pub(super) fn forwards() -> Result<bool, NetError> {
    is_on(Path::new(ALL))
}

/// Whether one interface forwards; `false` for one that is gone.
pub(super) fn is_forwarding(name: &IfName) -> Result<bool, NetError> {
    is_on(&forwarding(name))
}

/// Lets interfaces forward that do not yet.
pub(super) fn open(names: &BTreeSet<IfName>, places: &Places) -> Result<(), NetError> {
    let mut record = Record::read(places)?;
    for name in names {
        if !is_forwarding(name)? {
            record.opened.insert(name.clone());
            record.write(places)?;
            set(&forwarding(name), "1")?;
        }
    }
    Ok(())
}

/// Puts back those that we opened and that are not in `keep`. Where the host forwards between all
/// interfaces by now, somebody else wants that, and they are left on.
pub(super) fn close(keep: &BTreeSet<IfName>, places: &Places) -> Result<(), NetError> {
    let before = Record::read(places)?;
    let record = Record { opened: before.opened.intersection(keep).cloned().collect() };
    if !forwards()? {
        for name in before.opened.difference(keep) {
            set(&forwarding(name), "0")?;
        }
    }
    if record == before { Ok(()) } else { record.write(places) }
}

/// Keeps the host's IPv6 off an interface of ours: guests have none.
pub(super) fn without_ipv6(name: &str) -> Result<(), NetError> {
    set(Path::new(&format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6")), "1")
}

fn forwarding(name: &IfName) -> PathBuf {
    format!("/proc/sys/net/ipv4/conf/{name}/forwarding").into()
}

fn is_on(path: &Path) -> Result<bool, NetError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        read => read.map(|text| text.trim() != "0").map_err(|source| NetError::File {
            what: "read",
            path: path.to_owned(),
            source,
        }),
    }
}

/// An interface that is gone has no settings, nor has a kernel without IPv6 those of it.
fn set(path: &Path, value: &str) -> Result<(), NetError> {
    match fs::write(path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        written => written.map_err(|source| NetError::File { what: "write", path: path.to_owned(), source }),
    }
}
