//! The trial of the new release.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use ::host::process::{Process, ProcessId};
use model::VmState;
use update::{
    census::{Census, Seen},
    declaration::Declaration,
    port::{Trial, Trouble},
};

use super::{host::DrivenHost, trouble::of_step};
use crate::{check, error::Told as _};

/// How long agents may take to answer a daemon that has just taken their machines up.
const AGENTS_LIMIT: Duration = Duration::from_secs(30);
/// How often is looked while the release is watched.
const LOOK: Duration = Duration::from_millis(250);

impl Trial for DrivenHost {
    fn watch(&mut self, declaration: &Declaration) -> Result<(), Trouble> {
        self.hold();
        // Counted from here, since changes wait: what the doctor takes is a part of the time that it is watched.
        let until = Instant::now() + Duration::from_secs(declaration.trial_seconds.into());
        let release = self.places.release(&declaration.to);
        let running = self.services.running(&release)?;
        self.round_trip(declaration)?;
        let failed = check::failed_checks(&self.places, &release, "trial").map_err(of_step)?;
        let failed: Vec<&String> = failed.difference(&declaration.failed_checks).collect();
        if !failed.is_empty() {
            let names = failed.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Trouble::Failed(format!("its doctor fails {names}")));
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_same_boot(declaration) && !all_live(&declaration.census) {
                self.machines(declaration)?;
            }
            // Last: the machines may have been waited for, and a service ended meanwhile.
            if self.services.running(&release)? != running {
                return Err(Trouble::Failed("a service ended and was started again".to_owned()));
            }
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}

impl DrivenHost {
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
    fn machines(&mut self, declaration: &Declaration) -> Result<(), Trouble> {
        if !self.is_same_boot(declaration) {
            return Ok(());
        }
        let until = Instant::now() + AGENTS_LIMIT;
        loop {
            let now = self
                .census()
                .map_err(|why| Trouble::Failed(format!("the machines cannot be counted: {why}")))?;
            let ended = self.ended_themselves(&declaration.census, &now);
            let losses = declaration.census.losses(&now, &ended);
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

    /// The machines that are gone because their guests ended themselves: changes are held, and so nobody else had them
    /// stopped. They are told of at the end.
    fn ended_themselves(&mut self, before: &Census, now: &Census) -> BTreeSet<String> {
        let mut ended = BTreeSet::new();
        for (id, seen) in before.gone(now) {
            let vm = self.runtime.block_on(self.client.vm(id));
            if vm.is_ok_and(|vm| vm.state == VmState::Stopped) {
                self.warning.get_or_insert(format!("{} ended by itself meanwhile", seen.name));
                ended.insert(id.clone());
            }
        }
        ended
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
fn all_live(census: &Census) -> bool {
    let id = |seen: &Seen| ProcessId { pid: seen.pid, started_ticks: seen.started };
    census.0.values().all(|seen| !matches!(Process::find(id(seen)), Ok(None)))
}
