//! What every part of the daemon reaches.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use api::{Code, Failure};
use config::Config;
use guest::client::Connection;
use host::dirs::Dirs;
use jiff::Timestamp;
use model::{BootId, VmId};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{Accel, Busy, Change, Holds, Known, Monitor, Replies};
use crate::{failure::failure, hands::Hands, library::Library, operations::Operations, owner::Owner};

/// How long a change waits for the daemon to have taken its machines up.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long a change waits for the end of a hold before it is told to ask again.
const HELD_LIMIT: Duration = Duration::from_secs(1);

/// How long a daemon on trial waits for its updater to hold changes itself.
const TRIAL_HOLD: Duration = Duration::from_secs(10);

/// What every part of the daemon reaches.
#[derive(Debug)]
pub(crate) struct App {
    /// Where things are.
    pub(crate) dirs: Dirs,
    /// The settings.
    pub(crate) config: Config,
    /// Which boot of the host this is.
    pub(crate) host_boot: BootId,
    /// When the daemon started.
    pub(crate) started_at: Timestamp,
    /// When its machines were taken up.
    pub(crate) ready_at: watch::Sender<Option<Timestamp>>,
    /// The machines' records.
    pub(crate) owner: Owner,
    /// The long work.
    pub(crate) operations: Arc<Operations>,
    /// Which machines are being worked on.
    pub(crate) busy: Busy,
    /// Whether an updater tries this daemon, as it was when it started.
    pub(crate) is_on_trial: bool,
    /// Whether changes are let in.
    pub(crate) holds: Holds,
    /// What was answered under which key.
    pub(crate) replies: Replies,
    /// Images and kernels.
    pub(crate) library: Library,
    /// The monitor.
    pub(crate) monitor: Monitor,
    /// Who has the machines' processes in hand.
    pub(crate) hands: Hands,
    /// What runs the guests' instructions.
    pub(crate) accel: Accel,
    /// Places for boots: each takes as many processors as it gets.
    pub(crate) boots: Semaphore,
    /// The agent that every guest is given.
    pub(crate) agent: PathBuf,
    /// The line of `authorized_keys` that every guest is given.
    pub(crate) user_key: String,
    /// Cancelled when the daemon is asked to end.
    pub(crate) stop: CancellationToken,
    /// Set where it is to become the next program instead of ending.
    pub(crate) restart: OnceLock<PathBuf>,
    /// Cancelled when it ends: what the next one goes on with is left as it is.
    pub(crate) leaving: CancellationToken,
}

impl App {
    /// The directory of a machine's link: its socket, and which ports of the host it took.
    pub(crate) fn link_dir(&self, id: &VmId) -> PathBuf {
        self.dirs.link_dir(id)
    }

    /// The way to the agent in a machine.
    pub(crate) fn guest(&self, id: &VmId) -> Connection {
        Connection::in_dir(self.link_dir(id))
    }

    /// Says what is known of what runs the guests' instructions.
    pub(crate) fn known_accel(&self) -> Known {
        self.accel.known(self.config.accel())
    }

    /// Whether defaults are those for emulation. What is not known yet counts as emulated.
    pub(crate) fn is_emulated(&self) -> bool {
        self.known_accel() != Known::Kvm
    }

    /// Lets changes in from now on, since the machines were taken up; on trial once the updater lets go, or is
    /// gone.
    pub(crate) fn set_ready(&self) {
        if self.is_on_trial {
            let held = self.holds.hold(api::HOLDER_UPDATE, TRIAL_HOLD);
            tracing::info!(?held, "it is on trial: changes are held until the updater lets go");
        }
        self.ready_at.send_replace(Some(Timestamp::now()));
    }

    /// Lets a change in: what is returned is kept until the change is made, or its operation begun.
    ///
    /// # Errors
    ///
    /// As [`App::ready`], and [`Code::Held`] while changes are held.
    pub(crate) async fn change(&self) -> Result<Change<'_>, Failure> {
        self.ready().await?;
        tokio::select! {
            entered = self.holds.enter_within(HELD_LIMIT) => entered,
            // A daemon that becomes its successor waits for nobody who only waits.
            () = self.leaving.cancelled() => self.holds.enter(),
        }
    }

    /// Waits until the machines were taken up.
    ///
    /// # Errors
    ///
    /// [`Code::Unavailable`] where that takes long, or the daemon ends.
    pub(crate) async fn ready(&self) -> Result<(), Failure> {
        let mut ready_at = self.ready_at.subscribe();
        let is_ready = tokio::select! {
            ready = tokio::time::timeout(READY_LIMIT, ready_at.wait_for(Option::is_some)) => {
                ready.is_ok_and(|ready| ready.is_ok())
            }
            () = self.leaving.cancelled() => false,
        };
        if is_ready {
            Ok(())
        } else {
            Err(failure(Code::Unavailable, "answer: the daemon has not taken its machines up yet"))
        }
    }
}
