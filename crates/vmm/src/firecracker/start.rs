//! Starts a Firecracker without a jail: for a probe, which has nothing to guard.

use std::{fs, path::Path};

use host::{
    process::Process,
    spawn::{Spawn, spawn},
};
use model::BootId;
use vm::{
    boot_plan::BootPlan,
    layout::{CONSOLE_LOG, FIRECRACKER_CONFIG, MONITOR_ID},
};

use crate::firecracker::{Firecracker, config};

/// Starts it in a directory for a plan; an error is text. The console is what it says on its output.
pub(crate) fn start(
    dir: &Path,
    plan: &BootPlan,
    firecracker: &Firecracker,
    host_boot: &BootId,
) -> Result<Process, String> {
    let file = dir.join(FIRECRACKER_CONFIG);
    fs::write(&file, config(plan).to_string())
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    let args = ["--no-api", "--config-file", FIRECRACKER_CONFIG];
    spawn(&Spawn {
        program: firecracker.program.clone(),
        args: args.map(Into::into).to_vec(),
        dir: dir.to_owned(),
        log: CONSOLE_LOG,
        identity: MONITOR_ID,
        host_boot: host_boot.clone(),
    })
    .map_err(|error| error.to_string())
}
