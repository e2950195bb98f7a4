//! Units as children of the test: what systemd does, with nothing of systemd's.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use bangerd_root::units::{Standing, UnitPlan, Units, UnitsError};
use privileged::UnitState;
use rustix::process::{Pid, Signal, kill_process};

/// The units that were started and not ended, by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Direct(Arc<Mutex<BTreeMap<String, (Child, UnitPlan)>>>);

impl Direct {
    /// Whether nothing of a unit runs.
    pub(crate) fn is_down(&self, name: &str) -> bool {
        self.0.lock().unwrap().get_mut(name).is_none_or(|(child, _)| child.try_wait().unwrap().is_some())
    }

    /// Runs what asks a unit to stop, as systemd does, and returns when that has ended.
    pub(crate) fn ask_to_stop(&self, name: &str) {
        let (pid, stop) = {
            let units = self.0.lock().unwrap();
            let (child, plan) = &units[name];
            (child.id(), plan.stop.clone())
        };
        let status = Command::new(&stop[0]).args(&stop[1..]).env("MAINPID", pid.to_string()).status();
        assert!(status.unwrap().success());
    }
}

impl Units for Direct {
    async fn start(&self, plan: &UnitPlan) -> Result<(), UnitsError> {
        let child = Command::new(&plan.start[0]).args(&plan.start[1..]).stdin(Stdio::null()).spawn();
        self.0.lock().unwrap().insert(plan.name.clone(), (child.unwrap(), plan.clone()));
        Ok(())
    }

    async fn end(&self, name: &str) -> Result<(), UnitsError> {
        if let Some((mut child, _)) = self.0.lock().unwrap().remove(name) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        Ok(())
    }

    async fn signal(&self, name: &str, signal: i32) -> Result<bool, UnitsError> {
        if self.look(name).await?.pid.is_none() {
            return Ok(false);
        }
        let units = self.0.lock().unwrap();
        let pid = Pid::from_child(&units[name].0);
        kill_process(pid, Signal::from_named_raw(signal).unwrap()).unwrap();
        Ok(true)
    }

    async fn look(&self, name: &str) -> Result<Standing, UnitsError> {
        let mut units = self.0.lock().unwrap();
        let Some((child, _)) = units.get_mut(name) else {
            return Ok(Standing::NONE);
        };
        Ok(match child.try_wait().unwrap() {
            None => Standing { state: UnitState::Active, pid: Some(child.id()) },
            Some(status) if status.success() && status.signal().is_none() => Standing::NONE,
            Some(_) => Standing { state: UnitState::Failed, pid: None },
        })
    }

    async fn list(&self) -> Result<Vec<String>, UnitsError> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }
}
