//! Starting a driver, and who sees that it ends: systemd, for which it is a unit; or else the driver itself, which is then
//! a process of its own that stays while the other release's driver runs.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ::host::{spawn::in_own_session, systemd::Systemd};

use super::unit;
use crate::{
    error::{Told as _, UpdateError},
    places::Places,
};

const STEP: &str = "declare";
/// How often is looked whether a driver's unit is gone, and for how long.
const LOOK: Duration = Duration::from_millis(50);
const GONE_LIMIT: Duration = Duration::from_secs(10);

/// A driver that was started, as whoever started it sees it.
#[derive(Debug)]
pub enum Watcher {
    /// A unit, whose end runs the keeper.
    Unit(Systemd),
    /// A process in a session of its own.
    Process(Child),
}

impl Watcher {
    /// Starts the driver of what was prepared. It outlives whoever started it, and the terminal.
    ///
    /// # Errors
    ///
    /// It cannot be started; nothing was declared.
    pub async fn start(places: &Places) -> Result<Self, UpdateError> {
        if places.is_system() {
            let systemd = Systemd::connect().await.map_err(|error| error.at(STEP))?;
            unit::start(&systemd, places).await?;
            return Ok(Self::Unit(systemd));
        }
        let program = places.current().join("banger");
        let child = process(&program, places).map_err(|error| {
            UpdateError::failed(STEP, format!("execute {}: {}", program.display(), error.at(STEP).why))
        });
        child.map(Self::Process)
    }

    /// Says whether it runs.
    ///
    /// # Errors
    ///
    /// Who watches it does not say.
    pub async fn is_running(&mut self) -> Result<bool, UpdateError> {
        match self {
            Self::Unit(systemd) => unit::is_running(systemd).await,
            Self::Process(child) => {
                child.try_wait().map(|ended| ended.is_none()).map_err(|error| error.at(STEP))
            }
        }
    }

    /// Waits for a moment until it is gone, so that another update may begin.
    pub async fn wait_until_gone(&mut self) {
        let is_gone = async {
            while let Ok(true) = self.is_running().await {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(GONE_LIMIT, is_gone).await.ok();
    }
}

fn process(program: &Path, places: &Places) -> io::Result<Child> {
    let log = File::create(places.log())?;
    let mut command = Command::new(program);
    command.args(["update", "--drive"]).current_dir("/").stdin(Stdio::null());
    command.stdout(log.try_clone()?).stderr(log);
    in_own_session(&mut command)
}
