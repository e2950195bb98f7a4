//! A user's own: one daemon, which no systemd starts or watches. The lock that says that there is one daemon keeps others
//! away while there is to be none.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ::host::{process::Process, sockets};
use api::client::{Client, ClientError};
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use tokio::runtime::Handle;
use update::port::Trouble;

use crate::{
    driver::trouble::{of_disk, of_step},
    error::Told as _,
    places::{Places, canonical},
    programs,
};

const STEP: &str = "restart";
/// How long a release's daemon may take until it is ready.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long a daemon may take to hear that it is to end.
const HEAR_LIMIT: Duration = Duration::from_secs(2);
/// How long one that heard it may take to end: what it does comes to an end first.
const END_LIMIT: Duration = Duration::from_secs(45);
/// How long one that is killed may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How long all of that may take, with daemons that clients start meanwhile.
const STOP_LIMIT: Duration = Duration::from_mins(2);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(50);

/// The one daemon of a user.
pub(in crate::driver) struct Own {
    places: Places,
    runtime: Handle,
    client: Client,
    /// While it is there no daemon can start.
    lock: Option<File>,
}

impl Own {
    pub(super) fn new(places: &Places, runtime: &Handle) -> Self {
        let client = Client::new(places.socket().to_owned());
        Self { places: places.clone(), runtime: runtime.clone(), client, lock: None }
    }

    /// Ends the daemon, and keeps others from being started: their clients try again for longer than this takes.
    pub(super) fn stop(&mut self) -> Result<(), Trouble> {
        if self.lock.is_some() {
            return Ok(());
        }
        let until = Instant::now() + STOP_LIMIT;
        while Instant::now() < until {
            if let Some(daemon) = self.daemon()? {
                self.end(&daemon)?;
            } else if let Some(lock) = self.try_lock().map_err(of_disk)? {
                self.lock = Some(lock);
                return Ok(());
            } else {
                // One that is just being started, or just ending.
                std::thread::sleep(LOOK);
            }
        }
        Err(Trouble::Failed("the daemon does not end".to_owned()))
    }

    /// Has the daemon become that of `release`, with its socket kept; starts one where none runs, or where the one that runs
    /// is no install's.
    pub(super) fn restart(&mut self, release: &Path) -> Result<(), Trouble> {
        let before = if self.lock.is_some() { None } else { self.daemon()? };
        let of_an_install = before.filter(|daemon| self.is_of_an_install(daemon));
        let since = self.started_at();
        if let Some(daemon) = of_an_install
            && let Some(since) = since
            && self.within(HEAR_LIMIT, self.client.restart()).is_some()
        {
            return self.wait_until_ready(&daemon, Some(since));
        }
        self.stop()?;
        self.lock = None;
        // Its own client knows how, and says why it does not start.
        programs::expect(release, "banger", &["internal", "start-daemon"], self.places.account(), STEP)
            .map_err(of_step)?;
        match self.daemon()? {
            Some(daemon) => self.wait_until_ready(&daemon, None),
            None => Err(Trouble::Failed("the daemon ended again".to_owned())),
        }
    }

    /// Looks whether the daemon is that of `release`.
    pub(super) fn running(&self, release: &Path) -> Result<u32, Trouble> {
        let daemon = self.daemon()?.ok_or_else(|| Trouble::Failed("the daemon does not run".to_owned()))?;
        let runs = program_of(&daemon);
        if runs != canonical(release).join("bangerd") {
            return Err(Trouble::Failed(format!("the daemon runs {}", runs.display())));
        }
        Ok(daemon.id().pid)
    }

    /// Waits until a daemon that started after `since` has its machines taken up.
    fn wait_until_ready(&self, daemon: &Process, since: Option<Timestamp>) -> Result<(), Trouble> {
        let until = Instant::now() + READY_LIMIT;
        while Instant::now() < until {
            if let Some(info) = self.within(HEAR_LIMIT, self.client.info())
                && info.ready_at.is_some()
                && Some(info.started_at) != since
            {
                return Ok(());
            }
            if self.has_ended(daemon) {
                let log = self.places.state().join("bangerd.log");
                return Err(Trouble::Failed(format!(
                    "the daemon ended at once; its log is {}",
                    log.display()
                )));
            }
            std::thread::sleep(LOOK);
        }
        Err(Trouble::Failed(format!("the daemon is not ready after {} s", READY_LIMIT.as_secs())))
    }

    /// Ends a daemon: it is asked, and one that does not hear it is killed. Machines are nobody's children.
    fn end(&self, daemon: &Process) -> Result<(), Trouble> {
        let has_heard = self.within(HEAR_LIMIT, self.client.shutdown()).is_some();
        let limit = if has_heard { END_LIMIT } else { HEAR_LIMIT };
        let ended = self.runtime.block_on(daemon.ended_within(limit));
        if !matches!(ended, Ok(Some(_))) {
            let gone = self.runtime.block_on(daemon.end(KILL_LIMIT));
            gone.map_err(|error| of_step(error.at(STEP)))?;
        }
        Ok(())
    }

    /// The process that listens, whether it answers or not.
    fn daemon(&self) -> Result<Option<Process>, Trouble> {
        let socket = self.places.socket();
        let (Some(dir), Some(name)) = (socket.parent(), socket.file_name().and_then(|name| name.to_str()))
        else {
            return Ok(None);
        };
        sockets::listener(dir, name).map_err(|error| of_step(error.at(STEP)))
    }

    fn started_at(&self) -> Option<Timestamp> {
        self.within(HEAR_LIMIT, self.client.info()).map(|info| info.started_at)
    }

    fn is_of_an_install(&self, daemon: &Process) -> bool {
        program_of(daemon).starts_with(canonical(&self.places.releases()))
    }

    fn has_ended(&self, process: &Process) -> bool {
        matches!(self.runtime.block_on(process.ended_within(Duration::ZERO)), Ok(Some(_)))
    }

    fn within<T>(&self, limit: Duration, call: impl Future<Output = Result<T, ClientError>>) -> Option<T> {
        self.runtime.block_on(async { tokio::time::timeout(limit, call).await.ok()?.ok() })
    }

    /// The lock that a daemon holds for as long as it lives.
    fn try_lock(&self) -> io::Result<Option<File>> {
        let path = self.places.state().join("bangerd.lock");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The program that a process runs, without links in its path.
fn program_of(process: &Process) -> PathBuf {
    fs::read_link(format!("/proc/{}/exe", process.id().pid)).unwrap_or_default()
}
