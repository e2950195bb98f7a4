//! The log: stderr, which systemd writes into the journal.

use std::io;

use tracing_subscriber::EnvFilter;

/// Begins to log.
///
/// # Errors
///
/// Somebody began already.
pub(super) fn start() -> io::Result<()> {
    let filter = EnvFilter::new("warn,bangerd_root=info,privileged=info,host=info,vmm=info");
    // The journal has the time, and shows what is no text as a number.
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        .without_time()
        .with_writer(io::stderr)
        .try_init()
        .map_err(io::Error::other)
}
