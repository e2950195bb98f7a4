//! The driver's unit.

use std::time::Duration;

use ::host::systemd::{DevicePolicy, KillMode, Systemd, TransientUnit};

use crate::{
    error::{Told as _, UpdateError},
    places::Places,
};

/// Its name: there is one at a time.
const UNIT: &str = "banger-update.service";
/// How long systemd may take to execute it.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a driver may run, with a trial period in it.
pub(super) const RUN_LIMIT: Duration = Duration::from_mins(10);
/// How long what follows it may run.
const STOP_LIMIT: Duration = Duration::from_mins(5);

/// Starts the driver of what was prepared.
///
/// # Errors
///
/// systemd refuses; nothing was declared.
pub(super) async fn start(systemd: &Systemd, places: &Places) -> Result<(), UpdateError> {
    // One that is not there is told by whoever executes it.
    let keeper = places.keeper().unwrap_or_else(|| places.current());
    let keeper = places.system_paths().map_or_else(|| keeper.clone(), |paths| paths.inside(&keeper));
    let keeper = keeper.join("banger").display().to_string();
    let command = |what: &str| [keeper.as_str(), "update", what].map(ToOwned::to_owned).to_vec();
    let unit = TransientUnit {
        name: UNIT.to_owned(),
        description: "banger: update".to_owned(),
        slice: "system.slice".to_owned(),
        before: vec![],
        exec_start: command("--drive"),
        exec_stop: vec![],
        exec_stop_post: command("--resume"),
        run_limit: Some(RUN_LIMIT),
        working_dir: "/".to_owned(),
        kill_mode: KillMode::Mixed,
        stop_limit: STOP_LIMIT,
        sends_sigkill: true,
        device_policy: DevicePolicy::Auto,
        devices: vec![],
        memory_max_bytes: None,
        cpu_quota_percent: None,
        cpu_weight: None,
        tasks_max: None,
        open_files_max: None,
        output_file: None,
        umask: 0o022,
        guards: vec![],
    };
    systemd.reset_failed(UNIT).await.map_err(|error| error.at("declare"))?;
    systemd.start_transient(&unit, START_LIMIT).await.map_err(|error| error.at("declare"))
}

/// Says whether it runs.
///
/// # Errors
///
/// systemd does not say.
pub(super) async fn is_running(systemd: &Systemd) -> Result<bool, UpdateError> {
    let status = systemd.unit(UNIT).await.map_err(|error| error.at("update"))?;
    let is_down = |state: &str| matches!(state, "inactive" | "failed");
    Ok(status.is_some_and(|status| !is_down(&status.active_state)))
}
