//! What a machine uses, and whether it answers.

use std::time::Duration;

use api::{Failure, VmHealth, VmStats};
use model::VmState;
use store::VmRecord;
use tokio::time::Instant;

use super::process;
use crate::{app::App, failure::chain};

/// How long a guest may take to answer. An emulated one on a busy host is slow, and a person waits.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Finds out what a machine uses.
///
/// # Errors
///
/// The system does not tell of its process.
pub(crate) async fn stats(app: &App, vm: &VmRecord) -> Result<VmStats, Failure> {
    let monitor = process::find(vm.monitor_process.as_ref(), &app.host_boot)?;
    let usage = monitor.and_then(|monitor| monitor.usage());
    let dir = app.dirs.vm(&vm.id);
    let guest = if vm.state == VmState::Running {
        let connection = app.guest(&vm.id);
        let asked = tokio::time::timeout(ANSWER_LIMIT, connection.stats()).await;
        asked.ok().and_then(Result::ok).and_then(|stats| serde_json::to_value(stats).ok())
    } else {
        None
    };
    Ok(VmStats {
        id: vm.id.clone(),
        name: vm.name.clone(),
        state: vm.state,
        cpu_millis: usage.map(|usage| usage.cpu_millis),
        memory_resident_bytes: usage.map(|usage| usage.resident_bytes),
        disk_used_bytes: host::file::disk_used(&dir),
        guest,
    })
}

/// Asks a machine's agent whether it is there.
pub(crate) async fn health(app: &App, vm: &VmRecord) -> VmHealth {
    let told = |healthy, round_trip_micros, boot_id, why| VmHealth {
        id: vm.id.clone(),
        name: vm.name.clone(),
        healthy,
        round_trip_micros,
        boot_id,
        why,
    };
    if vm.state != VmState::Running {
        return told(false, None, None, Some(format!("it is {}", vm.state)));
    }
    let connection = app.guest(&vm.id);
    let began = Instant::now();
    match tokio::time::timeout(ANSWER_LIMIT, connection.health()).await {
        Ok(Ok(health)) => {
            let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            told(true, Some(micros), Some(health.boot_id), None)
        }
        Ok(Err(error)) => told(false, None, None, Some(chain(&error))),
        Err(_) => {
            let why = format!("no answer within {} seconds", ANSWER_LIMIT.as_secs());
            told(false, None, None, Some(why))
        }
    }
}
