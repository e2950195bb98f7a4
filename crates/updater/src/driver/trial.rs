//! The trial of the new release.

use std::{
    fs,
    time::{Duration, Instant},
};

use ::host::{
    process::{Process, ProcessId},
    systemd::UnitStatus,
};
use install::units::{DAEMON, HELPER};
use update::{
    census::{Census, Seen},
    declaration::Declaration,
    port::{Trial, Trouble},
};

use super::host::{SystemHost, of_step, of_systemd};
use crate::{check, error::Told as _, places::canonical};

/// How long agents may take to answer a daemon that has just taken their machines up.
const AGENTS_LIMIT: Duration = Duration::from_secs(30);
/// How often is looked while the release is watched.
const LOOK: Duration = Duration::from_millis(250);

impl Trial for SystemHost {
    fn watch(&mut self, declaration: &Declaration) -> Result<(), Trouble> {
        self.hold();
        let services = self.services(declaration)?;
        self.round_trip(declaration)?;
        let failed = check::failed_checks(&self.places.release(&declaration.to), "trial").map_err(of_step)?;
        let failed: Vec<&String> = failed.difference(&declaration.failed_checks).collect();
        if !failed.is_empty() {
            let names = failed.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Trouble::Failed(format!("its doctor fails {names}")));
        }
        self.machines(declaration)?;
        let until = Instant::now() + Duration::from_secs(declaration.trial_seconds.into());
        while Instant::now() < until {
            std::thread::sleep(LOOK);
            if self.services(declaration)? != services {
                return Err(Trouble::Failed("a service ended and was started again".to_owned()));
            }
            if self.is_same_boot(declaration) {
                processes(&declaration.census)?;
            }
        }
        self.machines(declaration)
    }
}

impl SystemHost {
    /// Looks whether both services run the new release's programs. Returns their processes.
    fn services(&self, declaration: &Declaration) -> Result<Vec<u32>, Trouble> {
        let release = canonical(&self.places.release(&declaration.to));
        let mut pids = vec![];
        for (unit, program) in [(HELPER, "bangerd-root"), (DAEMON, "bangerd")] {
            let status = self.runtime.block_on(self.systemd.unit(unit)).map_err(of_systemd)?;
            let pid = status.filter(UnitStatus::is_up).and_then(|status| status.main_pid);
            let pid = pid.ok_or_else(|| Trouble::Failed(format!("{unit} does not run")))?;
            let runs = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            if runs != release.join(program) {
                return Err(Trouble::Failed(format!("{unit} runs {}", runs.display())));
            }
            pids.push(pid);
        }
        Ok(pids)
    }

    /// Asks the daemon over its socket who it is.
    fn round_trip(&self, declaration: &Declaration) -> Result<(), Trouble> {
        let answer = self.runtime.block_on(self.client.info());
        let said = answer.map_err(|error| of_step(error.at("trial")))?.version;
        if said != declaration.to.to_string() {
            return Err(Trouble::Failed(format!("the daemon says that it is {said:?}")));
        }
        Ok(())
    }

    /// Compares the machines with those before.
    fn machines(&self, declaration: &Declaration) -> Result<(), Trouble> {
        if !self.is_same_boot(declaration) {
            return Ok(());
        }
        let until = Instant::now() + AGENTS_LIMIT;
        loop {
            let now = self
                .census()
                .map_err(|why| Trouble::Failed(format!("the machines cannot be counted: {why}")))?;
            let losses = declaration.census.losses(&now);
            if losses.is_empty() {
                return Ok(());
            }
            // Only silence may pass: a machine that is another one stays that.
            if declaration.census.all_answer(&now) || Instant::now() >= until {
                return Err(Trouble::Failed(losses.join("; ")));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Counts the machines that run.
    ///
    /// # Errors
    ///
    /// Why the daemon did not say.
    pub(super) fn census(&self) -> Result<Census, String> {
        let census = self.runtime.block_on(self.client.census()).map_err(|error| error.at("census").why)?;
        let seen = |counted: api::Counted| {
            let monitor = counted.monitor?;
            let seen = Seen {
                name: counted.name.to_string(),
                pid: monitor.pid,
                started: monitor.started_ticks,
                boot: counted.boot_id.map(|boot| boot.to_string()),
            };
            Some((counted.id.to_string(), seen))
        };
        Ok(Census(census.machines.into_iter().filter_map(seen).collect()))
    }

    /// A census of another boot of the host says nothing.
    fn is_same_boot(&self, declaration: &Declaration) -> bool {
        update::port::Journal::boot(self) == declaration.boot
    }
}

/// Looks whether the monitors of a census live, without asking anybody.
fn processes(census: &Census) -> Result<(), Trouble> {
    for seen in census.0.values() {
        let id = ProcessId { pid: seen.pid, started_ticks: seen.started };
        if matches!(Process::find(id), Ok(None)) {
            return Err(Trouble::Failed(format!("{} runs no longer", seen.name)));
        }
    }
    Ok(())
}
