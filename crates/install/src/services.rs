//! Starting and stopping what was installed.

use std::{collections::BTreeSet, time::Duration};

use futures::future::{join, join_all};
use host::systemd::{Systemd, SystemdError, UnitStatus};

use crate::units::{DAEMON, DAEMON_SOCKET, HELPER, HELPER_SOCKET, SLICE};

/// How long a service may take until it is ready.
pub const READY_LIMIT: Duration = Duration::from_secs(95);
/// How long a service may take to end, with what it waits for.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// How often is looked whether a service is gone.
const LOOK: Duration = Duration::from_millis(50);
/// How long machines may take to end when they are asked, and are then killed.
const MACHINES_LIMIT: Duration = Duration::from_mins(3);

/// The units of an install, in the order in which they start.
pub const ALL: [&str; 5] = [SLICE, HELPER_SOCKET, DAEMON_SOCKET, HELPER, DAEMON];
/// What the units of machines are called, the monitor's and the link's.
const MONITORS: &str = "banger-vm-*.service";
const LINKS: &str = "banger-link-*.service";

/// What was written, and so must be started again rather than started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// A socket's unit.
    pub sockets: bool,
    /// A program, or a service's unit.
    pub services: bool,
}

/// The unit of a machine's monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineUnit {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// Its main process.
    pub pid: Option<u32>,
}

/// Has systemd read the units, and brings sockets and services up. Returns when both services are ready.
///
/// Sockets that are up stay up, unless their units were written: then whoever is connected is cut off.
///
/// # Errors
///
/// [`SystemdError`]: what is up stays up.
pub async fn bring_up(systemd: &Systemd, written: Written) -> Result<(), SystemdError> {
    systemd.daemon_reload().await?;
    if written.sockets {
        stop_services(systemd).await?;
    }
    for unit in ALL {
        systemd.reset_failed(unit).await?;
    }
    for socket in [HELPER_SOCKET, DAEMON_SOCKET] {
        systemd.start(socket, STOP_LIMIT).await?;
    }
    if written.services {
        return restart(systemd).await;
    }
    for service in [HELPER, DAEMON] {
        systemd.start(service, READY_LIMIT).await?;
    }
    Ok(())
}

/// Starts both services again, the helper first. Machines are not touched; requests wait in the sockets.
///
/// # Errors
///
/// [`SystemdError`]: the service that it names is not ready.
pub async fn restart(systemd: &Systemd) -> Result<(), SystemdError> {
    restart_within(systemd, READY_LIMIT).await
}

/// As [`restart`], with both ready within `limit` once what runs is gone, which may need longer to go.
///
/// Both are asked for at once: the units' own order puts the daemon after the helper, and a knock at the daemon's socket
/// finds its start waiting already. So no new daemon meets the old helper, and none is started only to be ended again.
///
/// # Errors
///
/// [`SystemdError`]: the service that it names is not ready.
pub async fn restart_within(systemd: &Systemd, limit: Duration) -> Result<(), SystemdError> {
    let before = main_pids(systemd).await;
    let all = STOP_LIMIT + limit;
    let restarted = async {
        let (helper, daemon) = join(systemd.restart(HELPER, all), systemd.restart(DAEMON, all)).await;
        helper.and(daemon)
    };
    let too_late = async {
        while !main_pids(systemd).await.is_disjoint(&before) {
            tokio::time::sleep(LOOK).await;
        }
        tokio::time::sleep(limit).await;
        // The daemon waits for the helper.
        let helper = systemd.unit(HELPER).await.ok().flatten();
        if helper.is_some_and(|status| status.active_state == "active") { DAEMON } else { HELPER }
    };
    tokio::select! {
        restarted = restarted => restarted,
        unit = too_late => Err(SystemdError::TooLong { unit: unit.to_owned(), what: "restart", limit }),
    }
}

/// The main processes of both services, as far as systemd tells of them.
async fn main_pids(systemd: &Systemd) -> BTreeSet<u32> {
    let (helper, daemon) = join(systemd.unit(HELPER), systemd.unit(DAEMON)).await;
    [helper, daemon].into_iter().filter_map(|status| status.ok()??.main_pid).collect()
}

/// Ends the daemon. Its socket stays, and the next request starts it again.
///
/// # Errors
///
/// [`SystemdError`]: it may run still.
pub async fn stop_daemon(systemd: &Systemd) -> Result<(), SystemdError> {
    systemd.stop(DAEMON, STOP_LIMIT).await
}

/// Ends the daemon and takes its socket away, so that it does not come again. Machines are not touched.
///
/// # Errors
///
/// [`SystemdError`]: the unit that it names may be up still.
pub async fn close_daemon(systemd: &Systemd) -> Result<(), SystemdError> {
    // The socket before its service: a knock would start it again.
    systemd.stop(DAEMON_SOCKET, STOP_LIMIT).await?;
    systemd.stop(DAEMON, STOP_LIMIT).await
}

/// Ends both services and takes their sockets away. Machines are not touched.
///
/// # Errors
///
/// [`SystemdError`]: the unit that it names may be up still.
pub async fn stop_services(systemd: &Systemd) -> Result<(), SystemdError> {
    close_daemon(systemd).await?;
    systemd.stop(HELPER_SOCKET, STOP_LIMIT).await?;
    systemd.stop(HELPER, STOP_LIMIT).await
}

/// Lists the machines that run.
///
/// # Errors
///
/// [`SystemdError`] where systemd does not say.
pub async fn machines(systemd: &Systemd) -> Result<Vec<MachineUnit>, SystemdError> {
    let mut machines = vec![];
    for listed in systemd.list(&[MONITORS]).await? {
        let is_up = matches!(listed.active_state.as_str(), "active" | "activating" | "deactivating");
        if is_up {
            let pid = systemd.unit(&listed.name).await?.and_then(|status| status.main_pid);
            machines.push(MachineUnit { name: listed.name, description: listed.description, pid });
        }
    }
    machines.sort_by(|one, two| one.name.cmp(&two.name));
    Ok(machines)
}

/// The files that systemd has the units of machines from.
///
/// # Errors
///
/// [`SystemdError`] where systemd does not say.
pub async fn machine_unit_files(systemd: &Systemd) -> Result<Vec<String>, SystemdError> {
    let mut files = vec![];
    for listed in systemd.list(&[MONITORS, LINKS]).await? {
        files.extend(systemd.unit(&listed.name).await?.and_then(|status| status.file));
    }
    Ok(files)
}

/// Stops every machine that is left: each is asked, and killed where it does not end. Then their links.
///
/// # Errors
///
/// The first [`SystemdError`]; all were tried.
pub async fn stop_machines(systemd: &Systemd) -> Result<(), SystemdError> {
    for pattern in [MONITORS, LINKS] {
        let units = systemd.list(&[pattern]).await?;
        let stops = units.iter().map(async |unit| {
            systemd.stop(&unit.name, MACHINES_LIMIT).await?;
            systemd.reset_failed(&unit.name).await
        });
        for stopped in join_all(stops).await {
            stopped?;
        }
    }
    Ok(())
}

/// Ends what is left, once its files are gone: the slice, and what systemd remembers.
///
/// # Errors
///
/// [`SystemdError`] where systemd refuses.
pub async fn forget(systemd: &Systemd) -> Result<(), SystemdError> {
    systemd.stop(SLICE, STOP_LIMIT).await?;
    for unit in ALL {
        systemd.reset_failed(unit).await?;
    }
    systemd.daemon_reload().await
}

/// Looks at the units of the install: each with what systemd says of it, `None` where there is no such unit.
///
/// # Errors
///
/// [`SystemdError`] where systemd does not say.
pub async fn look(systemd: &Systemd) -> Result<Vec<(&'static str, Option<UnitStatus>)>, SystemdError> {
    let mut found = vec![];
    for unit in ALL {
        found.push((unit, systemd.unit(unit).await?));
    }
    Ok(found)
}
