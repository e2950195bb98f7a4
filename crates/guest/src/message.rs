//! What is said over contract ③, apart from the streams.

use std::{collections::BTreeMap, net::Ipv4Addr};

use model::{BootId, Port};
use serde::{Deserialize, Serialize};

/// The `Upgrade:` of an exec session.
pub const UPGRADE_EXEC: &str = "banger-exec/1";
/// The `Upgrade:` of a forwarded TCP connection.
pub const UPGRADE_FORWARD: &str = "banger-forward/1";
/// The `Upgrade:` of an SSH connection.
pub const UPGRADE_SSH: &str = "banger-ssh/1";

/// What the agent says of itself and its guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The generation of the contract that the agent speaks.
    pub generation: u32,
    /// The release that the agent came with.
    pub version: String,
    /// The boot that is running.
    pub boot_id: BootId,
    /// Seconds since the kernel started.
    pub uptime_secs: u64,
    /// Whether an [`Identity`] was taken since this boot.
    pub has_identity: bool,
    /// What runs as pid 1: the path of the image's init, or `banger-vsock-agent` where it has none.
    pub init: String,
    /// Whether the image has an `sshd` that can be run for [`UPGRADE_SSH`].
    pub has_sshd: bool,
}

/// Who a guest is. Pushed after every boot; pushing it twice is pushing it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The machine's name, set as the host name and in `/etc/hosts`.
    pub hostname: String,
    /// The wall clock when this was sent, in nanoseconds since 1970.
    pub time_unix_nanos: u64,
    /// Public keys that may log in as root, one `authorized_keys` line each.
    pub authorized_keys: Vec<String>,
    /// The machine's private host key, in OpenSSH's PEM.
    pub ssh_host_key: String,
    /// The network of `eth0`; `None` leaves it down.
    pub network: Option<Network>,
    /// Files to write, with their parents.
    pub files: Vec<GuestFile>,
}

/// How a guest reaches the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The guest's address.
    pub address: Ipv4Addr,
    /// Bits of the network in the address: 0 to 32.
    pub prefix_len: u8,
    /// Where everything else is reached; `None` where the guest may reach only its own network.
    pub gateway: Option<Ipv4Addr>,
    /// Who answers names, for `/etc/resolv.conf`.
    pub name_servers: Vec<Ipv4Addr>,
}

/// One file that the host puts into a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestFile {
    /// An absolute path in the guest.
    pub path: String,
    /// Its permission bits.
    pub mode: u32,
    /// Its bytes, in base64 (RFC 4648 §4).
    pub content: String,
}

/// A command to run in a guest, as root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    /// The program and its arguments. A program without a `/` is looked for on `PATH`.
    pub argv: Vec<String>,
    /// Set in the command's environment, over `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL` and `LANG`.
    pub env: BTreeMap<String, String>,
    /// Where it starts; root's home where there is none.
    pub cwd: Option<String>,
    /// A terminal of this size for it; `None` gives it three pipes.
    pub pty: Option<PtySize>,
    /// An empty `argv` and this runs root's login shell.
    pub login_shell: bool,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtySize {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecStatus {
    /// It ended by itself with this code.
    Exited(u8),
    /// This signal ended it.
    Signaled(i32),
}

impl ExecStatus {
    /// The code that a shell would give: 128 and the signal's number for a signal.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled(signal) => u8::try_from(signal).map_or(255, |signal| signal.saturating_add(128)),
        }
    }
}

/// A TCP socket that listens in a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// The port.
    pub port: Port,
    /// The address it is bound to, as text: `0.0.0.0`, `127.0.0.1`, `::`.
    pub address: String,
    /// The process that listens, where it can be told.
    pub process: Option<String>,
}

/// What a guest uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Memory that the guest has, in bytes.
    pub memory_total_bytes: u64,
    /// Memory that is free or can be freed, in bytes.
    pub memory_available_bytes: u64,
    /// Time its processors were busy since boot, in milliseconds, summed over all.
    pub cpu_busy_millis: u64,
    /// Size of the root file system, in bytes.
    pub root_total_bytes: u64,
    /// Free on it, in bytes.
    pub root_free_bytes: u64,
    /// Size of the home file system, in bytes.
    pub home_total_bytes: u64,
    /// Free on it, in bytes.
    pub home_free_bytes: u64,
    /// The load average of the last minute, times 100.
    pub load_1m_hundredths: u64,
    /// Who is at it; `None` where the agent is of a release that does not tell.
    #[serde(default)]
    pub activity: Option<Activity>,
}

/// Whether anybody is at a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Sessions that are open: commands, shells, ssh, copies, forwarded ports.
    pub sessions_open: u32,
    /// Sessions that were begun since the agent started.
    pub sessions_begun: u64,
    /// TCP connections with others than the guest itself.
    pub connections: u32,
}

/// What a tree that was put into a guest came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

/// Why the agent would not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What could not be done, and the system's own words for it.
    pub message: String,
    /// What the user can do about it, where there is something: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}
