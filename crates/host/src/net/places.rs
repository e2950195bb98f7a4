//! The files that the network is about.

use std::path::PathBuf;

/// Where they are. A test puts its own in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Names and addresses.
    pub hosts: PathBuf,
    /// Name servers.
    pub resolv_conf: PathBuf,
    /// The name servers that systemd-resolved asks.
    pub resolved: PathBuf,
    /// Where it is kept what the host was like before. It goes with a reboot, as what it is about does.
    pub record: PathBuf,
}

impl Places {
    /// Where they are on every host.
    #[must_use]
    pub fn of_the_host() -> Self {
        Self {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            resolved: "/run/systemd/resolve/resolv.conf".into(),
            record: "/run/banger-root/network.json".into(),
        }
    }
}
