//! Units as systemd runs them.

use std::time::Duration;

use host::systemd::{
    DeviceAccess, DevicePolicy, Guard, KillMode, Systemd, SystemdError, TransientUnit, UnitStatus, Whom,
};
use privileged::UnitState;
use tokio::sync::Mutex;

use super::{Standing, UnitPlan, Units, UnitsError};

/// The slice that all machines are in.
const SLICE: &str = "banger.slice";
/// How long the start of a unit may take: until its program is executed.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long the end of a unit may take that was killed. Writes to a slow disk hold it.
const END_LIMIT: Duration = Duration::from_mins(1);
/// Processes and threads that a unit may have: a monitor's workers are some 70.
const TASKS_MAX: u64 = 1024;
/// Descriptors that a unit may have open: a link's 256 sessions and what they lead to.
const OPEN_FILES_MAX: u64 = 4096;
/// `SIGKILL`.
const KILL: i32 = 9;

/// What every unit of a machine is kept from.
const GUARDS: [Guard; 13] = [
    Guard::NoNewPrivileges,
    Guard::ProtectSystemFull,
    Guard::ProtectHome,
    Guard::PrivateTmp,
    Guard::ProtectKernelTunables,
    Guard::ProtectKernelModules,
    Guard::ProtectKernelLogs,
    Guard::ProtectClock,
    Guard::ProtectControlGroups,
    Guard::ProtectHostname,
    Guard::RestrictSuidSgid,
    Guard::RestrictRealtime,
    Guard::LockPersonality,
];

/// The systemd of this host. Connected to when it is first needed, and anew when the connection is lost.
#[derive(Debug, Default)]
pub struct SystemdUnits {
    connection: Mutex<Option<Systemd>>,
}

impl SystemdUnits {
    async fn systemd(&self) -> Result<Systemd, UnitsError> {
        let mut connection = self.connection.lock().await;
        if let Some(systemd) = &*connection {
            return Ok(systemd.clone());
        }
        let systemd = Systemd::connect().await.map_err(unreachable)?;
        *connection = Some(systemd.clone());
        Ok(systemd)
    }

    /// Asks, and forgets a connection that did not carry the question.
    async fn kept<T>(&self, asked: Result<T, SystemdError>) -> Result<T, SystemdError> {
        if let Err(
            SystemdError::Call { .. } | SystemdError::Unreachable { .. } | SystemdError::TooLong { .. },
        ) = &asked
        {
            *self.connection.lock().await = None;
        }
        asked
    }
}

fn unreachable(error: SystemdError) -> UnitsError {
    UnitsError::Unreachable { hint: error.hint(), source: error.into() }
}

fn undone(unit: &str, what: &'static str, error: SystemdError) -> UnitsError {
    match error {
        SystemdError::Unreachable { .. } => unreachable(error),
        error => UnitsError::Undone { unit: unit.to_owned(), what, source: error.into() },
    }
}

impl Units for SystemdUnits {
    async fn start(&self, plan: &UnitPlan) -> Result<(), UnitsError> {
        let systemd = self.systemd().await?;
        let failed = |error| undone(&plan.name, "started", error);
        self.kept(systemd.reset_failed(&plan.name).await).await.map_err(failed)?;
        self.kept(systemd.start_transient(&transient(plan), START_LIMIT).await).await.map_err(failed)
    }

    async fn end(&self, name: &str) -> Result<(), UnitsError> {
        let systemd = self.systemd().await?;
        let failed = |error| undone(name, "ended", error);
        let standing = self.kept(systemd.unit(name).await).await.map_err(failed)?;
        if standing.as_ref().is_some_and(|status| status.is_up() || status.active_state == "deactivating") {
            // One that has just ended by itself has nobody left to kill, which is an error to systemd.
            let _killed = systemd.kill(name, Whom::All, KILL).await;
            self.kept(systemd.stop(name, END_LIMIT).await).await.map_err(failed)?;
        }
        self.kept(systemd.reset_failed(name).await).await.map_err(failed).map(|_| ())
    }

    async fn signal(&self, name: &str, signal: i32) -> Result<bool, UnitsError> {
        let systemd = self.systemd().await?;
        let failed = |error| undone(name, "signalled", error);
        let standing = self.kept(systemd.unit(name).await).await.map_err(failed)?;
        if standing.and_then(|status| status.main_pid).is_none() {
            return Ok(false);
        }
        self.kept(systemd.kill(name, Whom::Main, signal).await).await.map_err(failed)
    }

    async fn look(&self, name: &str) -> Result<Standing, UnitsError> {
        let systemd = self.systemd().await?;
        let looked = self.kept(systemd.unit(name).await).await;
        let status = looked.map_err(|error| undone(name, "looked at", error))?;
        Ok(status.as_ref().map_or(Standing::NONE, standing))
    }

    async fn list(&self) -> Result<Vec<String>, UnitsError> {
        let systemd = self.systemd().await?;
        let listed = self.kept(systemd.list(&["banger-vm-*.service", "banger-link-*.service"]).await).await;
        let listed = listed.map_err(|error| undone(SLICE, "listed", error))?;
        Ok(listed.into_iter().map(|unit| unit.name).collect())
    }
}

fn standing(status: &UnitStatus) -> Standing {
    let state = match status.active_state.as_str() {
        "active" | "reloading" => UnitState::Active,
        "activating" => UnitState::Activating,
        "deactivating" => UnitState::Deactivating,
        "failed" => UnitState::Failed,
        _ => UnitState::Inactive,
    };
    Standing { state, pid: status.main_pid }
}

fn transient(plan: &UnitPlan) -> TransientUnit {
    TransientUnit {
        name: plan.name.clone(),
        description: plan.description.clone(),
        slice: SLICE.to_owned(),
        before: plan.before.clone(),
        exec_start: plan.start.clone(),
        exec_stop: plan.stop.clone(),
        exec_stop_post: Vec::new(),
        run_limit: None,
        working_dir: "/".to_owned(),
        kill_mode: KillMode::Mixed,
        stop_limit: plan.stop_limit,
        sends_sigkill: true,
        device_policy: DevicePolicy::Closed,
        devices: plan
            .devices
            .iter()
            .map(|device| DeviceAccess { device: device.clone(), access: "rwm" })
            .collect(),
        memory_max_bytes: Some(plan.memory_max_bytes),
        cpu_quota_percent: Some(plan.cpu_percent_max),
        cpu_weight: None,
        tasks_max: Some(TASKS_MAX),
        open_files_max: Some(OPEN_FILES_MAX),
        output_file: None,
        umask: 0o022,
        guards: GUARDS.to_vec(),
    }
}
