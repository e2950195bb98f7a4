//! Where the agent keeps what it was told: a tmpfs, so that it ends with the boot.

/// The directory.
pub(super) const STATE_DIR: &str = "/run/banger";
pub(super) const AUTHORIZED_KEYS: &str = "/run/banger/authorized_keys";
pub(super) const HOST_KEY: &str = "/run/banger/ssh_host_key";
/// Exists once an identity was taken as a whole.
pub(super) const IDENTITY_MARK: &str = "/run/banger/identity";
