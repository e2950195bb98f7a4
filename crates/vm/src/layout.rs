//! The names of the files in a machine's directory, `<state>/vms/<id>/`.
//!
//! Monitor and link run with this directory as their own, and name what is in it by these names alone:
//! a socket's path has room for 108 bytes (unix(7)), a home directory may have more.

/// The monitor's end of the virtio-serial port. Only the link connects to it.
pub const SERIAL_SOCKET: &str = "serial.sock";

/// The monitor's end of the machine's vsock, where it has one. Only the link connects to it.
pub const VSOCK_SOCKET: &str = "vsock.sock";

/// The socket through which sessions reach the guest.
pub const LINK_SOCKET: &str = "link.sock";

/// What the guest printed, of all its boots.
pub const CONSOLE_LOG: &str = "console.log";

/// The part of the console log before [`CONSOLE_LOG`], once that grew too long.
pub const CONSOLE_LOG_OLD: &str = "console.log.1";

/// What the monitor said about itself, of its last start.
pub const MONITOR_LOG: &str = "monitor.log";

/// What the monitor counted, a line of JSON a minute, of its last start: Firecracker writes it.
pub const METRICS: &str = "metrics.json";

/// What Firecracker is started with.
pub const FIRECRACKER_CONFIG: &str = "firecracker.json";

/// What the link said about itself, of its last start.
pub const LINK_LOG: &str = "link.log";

/// The root disk where it is a raw file.
pub const ROOT_RAW: &str = "root.raw";

/// The root disk where it is a qcow2 file over the image.
pub const ROOT_QCOW2: &str = "root.qcow2";

/// The root disk where it is a store of differences that the host's device mapper lays over the image.
pub const ROOT_SNAPSHOT: &str = "root.cow";

/// The home disk.
pub const HOME_DISK: &str = "home.ext4";

/// That the machine is, or was, recorded: its disks are somebody's. Empty.
pub const RECORDED: &str = "recorded";

/// Which ports of the host the link took, as JSON; the link writes it once it listens.
pub const PORTS: &str = "ports.json";

/// What a monitor and a link leave behind when they end, and what has to go before the next start.
pub const LEFTOVERS: [&str; 4] = [SERIAL_SOCKET, LINK_SOCKET, PORTS, "ports.json.new"];

/// Which process the monitor is; see `host::spawn`.
pub const MONITOR_ID: &str = "monitor.id";

/// Which process the link is; see `host::spawn`.
pub const LINK_ID: &str = "link.id";
