//! Every key, who acts on it, and whose file it may stand in.

use std::path::PathBuf;

/// Who acts on a key in system mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Root's helper. Whoever could set it would be root.
    Root,
    /// The daemon, which opens no file of the owner's.
    Daemon,
    /// The command, which asks for a machine.
    Command,
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name, with that of its table before it: `vm_defaults.memory`.
    pub name: &'static str,
    /// Who acts on it.
    pub actor: Actor,
}

const fn key(name: &'static str, actor: Actor) -> Key {
    Key { name, actor }
}

/// Every key, in the order of the documentation.
pub const KEYS: [Key; 18] = [
    key("log_level", Actor::Daemon),
    key("vmm", Actor::Daemon),
    key("accel", Actor::Daemon),
    key("firecracker_bin", Actor::Root),
    key("jailer_bin", Actor::Root),
    key("jailer_enabled", Actor::Root),
    key("qemu_bin", Actor::Root),
    key("bridge_name", Actor::Root),
    key("subnet", Actor::Root),
    key("uid_base", Actor::Root),
    key("default_image", Actor::Command),
    key("default_kernel", Actor::Command),
    key("vm_defaults.vcpu", Actor::Command),
    key("vm_defaults.memory", Actor::Command),
    key("vm_defaults.disk_size", Actor::Command),
    key("vm_defaults.system_overlay_size", Actor::Command),
    key("file_sync", Actor::Command),
    key("auto_stop_stale_after", Actor::Daemon),
];

/// Whose file it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The user's own, in embedded mode.
    User,
    /// Root's, for a whole system install.
    Root,
    /// The owner's of a system install, beside root's.
    Owner {
        /// Root's file, where what others act on belongs.
        roots: PathBuf,
    },
}
