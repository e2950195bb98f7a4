//! What every command has: the screen, the paths, and the way to the daemon.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use api::{
    Code, Failure, Vm,
    client::{Client, ClientError},
};
use built::VERSION;
use host::dirs::Mode;
use model::VmName;
use updater::places::is_stuck;

use super::{owners::Owners, paths, refs, starter, unfinished};
use crate::{
    fault::{Doing as _, Explain as _, Fault},
    screen::Screen,
};

/// What every command has.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) screen: Screen,
    told_of_version: AtomicBool,
}

impl Context {
    pub(crate) fn new(screen: Screen) -> Self {
        Self { screen, told_of_version: AtomicBool::new(false) }
    }

    /// A client of the daemon, which is started where it does not run.
    pub(crate) async fn daemon(&self, doing: &str) -> Result<Client, Fault> {
        // Refused before anything else, whatever is asked for: what stands there is believed to have an effect.
        Owners::read(doing)?;
        unfinished::end(self.screen, doing).await?;
        let trial = paths::dirs(doing)?.trial().to_owned();
        let client = daemon_as_it_is(doing)?.telling(teller(self.screen));
        // An update that goes back takes the daemon down, and its socket, until the old release is whole.
        let client = client.expecting(move || trial.exists() && !is_stuck(&trial));
        match client.probe().await {
            Err(ClientError::Unreachable { .. }) => start(&client, doing).await?,
            other => other.doing(doing)?,
        }
        Ok(client)
    }

    /// Starts the daemon again, which went away in the middle of `doing`.
    pub(crate) async fn daemon_again(&self, client: &Client, doing: &str) -> Result<(), Fault> {
        match client.probe().await {
            Err(ClientError::Unreachable { .. }) => start(client, doing).await,
            other => other.doing(doing),
        }
    }

    /// Every machine.
    pub(crate) async fn vms(&self, client: &Client, doing: &str) -> Result<Vec<Vm>, Fault> {
        let vms = client.vms().await.doing(doing)?;
        self.tell_of_version(client);
        Ok(vms)
    }

    /// The one machine that is meant.
    pub(crate) async fn vm(&self, client: &Client, given: &str, doing: &str) -> Result<Vm, Fault> {
        // A whole name or id needs no list of all. What is no name must not become part of a path.
        if given.parse::<VmName>().is_ok() {
            match client.vm(given).await {
                Err(error) if error.is_not_found() => {}
                found => {
                    self.tell_of_version(client);
                    return found.doing(doing);
                }
            }
        }
        let vms = self.vms(client, doing).await?;
        refs::find(&vms, given, doing).cloned()
    }

    /// Says it, once, where the daemon is of another release than this program.
    pub(crate) fn tell_of_version(&self, client: &Client) {
        let Some(theirs) = client.daemon_version().filter(|theirs| *theirs != VERSION) else {
            return;
        };
        if !self.told_of_version.swap(true, Ordering::Relaxed) {
            let way_out = match paths::mode("find the daemon") {
                Ok(Mode::System { .. }) => "`sudo banger system restart` starts the installed one",
                _ => "`banger daemon stop` lets the next command start its own",
            };
            self.screen.warn(&format!("the daemon is {theirs}, this program {VERSION}; {way_out}"));
        }
    }
}

/// A client of the daemon, whether it runs or not.
pub(crate) fn daemon_as_it_is(doing: &str) -> Result<Client, Fault> {
    paths::socket(doing).map(Client::new)
}

/// Starts the user's own daemon. That of a system install is systemd's to start: its socket is always there, or
/// something is wrong.
async fn start(client: &Client, doing: &str) -> Result<(), Fault> {
    match paths::mode(doing)? {
        // One that is being restarted hangs up on whom it did not get to any more; asked again, the next one answers.
        Mode::System { .. } => {
            let hint = if is_stuck(paths::dirs(doing)?.trial()) { STUCK_HINT } else { SYSTEM_HINT };
            client.operations().await.map(drop).map_err(|error| error.explain(doing).hint(hint))
        }
        Mode::Embedded { .. } if unfinished::is_declared(doing)? => unfinished::wait(client, doing).await,
        Mode::Embedded { .. } => starter::start(client, doing).await,
    }
}

/// Starts the user's own daemon.
pub(crate) async fn start_daemon(doing: &str) -> Result<(), Fault> {
    starter::start(&daemon_as_it_is(doing)?, doing).await
}

/// What to do where the daemon of a system install does not answer.
const SYSTEM_HINT: &str = "`banger system status` shows what is wrong.";
/// And where an update led to no whole release.
const STUCK_HINT: &str = "An update led to no whole release: `sudo banger update --resume` tries again.";

/// Tells, once, that something waits: a command with many calls says it for all of them.
fn teller(screen: Screen) -> impl Fn(&Failure) + Send + Sync {
    let is_told = AtomicBool::new(false);
    move |failure| {
        if is_told.swap(true, Ordering::Relaxed) {
            return;
        }
        let why = match failure.code {
            Code::Held => "an update is on trial, and changes are held until it has ended",
            _ => &failure.message,
        };
        screen.warn(&format!("waiting: {why}"));
    }
}

/// What completions and help may take, in all. They never start the daemon.
const GLANCE_LIMIT: Duration = Duration::from_millis(300);

/// Asks the daemon something in passing: nothing comes of it where it is down or slow.
pub(crate) fn glance<T>(ask: impl AsyncFnOnce(Client) -> Option<T>) -> Option<T> {
    let socket: PathBuf = paths::socket("find the daemon").ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async { tokio::time::timeout(GLANCE_LIMIT, ask(Client::new(socket))).await.ok()? })
}
