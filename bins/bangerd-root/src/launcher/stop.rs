//! `ask-to-stop <id>`: what systemd runs before it ends a monitor, also when the host goes down.

use std::time::Duration;

use guest::client::Connection;
use host::process::Process;
use model::VmId;

use crate::{places::Places, refuse::chain};

/// How long a guest may take to sync and power off. The unit's own limit is longer.
const POWEROFF_LIMIT: Duration = Duration::from_mins(1);

/// Asks a guest to sync and power off, and waits until its monitor has ended. `monitor` is the process that
/// systemd names; without one it has ended by itself, and nobody is asked.
///
/// Whatever comes of it, systemd goes on to end what is there still: so nothing here is an error but a line in
/// the log.
pub async fn ask_to_stop(places: &Places, id: &VmId, monitor: Option<u32>) {
    let monitor = match monitor.map(Process::open) {
        Some(Ok(Some(monitor))) => monitor,
        Some(Err(error)) => {
            return tracing::warn!(machine = %id, "its monitor is not to be found: {}", chain(&error));
        }
        Some(Ok(None)) | None => return tracing::info!(machine = %id, "it has ended already"),
    };
    if let Err(error) = Connection::in_dir(places.link(id)).poweroff().await {
        return tracing::warn!(machine = %id, "it does not take the question to power off: {}", chain(&error));
    }
    match monitor.ended_within(POWEROFF_LIMIT).await {
        Ok(Some(_)) => tracing::info!(machine = %id, "it powered off"),
        Ok(None) => {
            let secs = POWEROFF_LIMIT.as_secs();
            tracing::warn!(machine = %id, "it runs still, {secs} s after it was asked");
        }
        Err(error) => tracing::warn!(machine = %id, "its end cannot be waited for: {}", chain(&error)),
    }
}
