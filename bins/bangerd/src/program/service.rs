//! Whose daemon this is: a user's own, or the system install's, which systemd starts.

use std::{os::unix::net::UnixListener as StdListener, path::Path, time::Duration};

use host::{
    dirs::{Dirs, Environment, SystemPaths},
    sockets::SocketError,
    systemd::activation::{self, Activation, ActivationError, Notice},
};
use jiff::Timestamp;
use model::Class;
use tokio::{net::UnixListener, sync::watch};

use super::Fatal;

/// The name under which systemd hands in the socket (`FileDescriptorName=`), and a daemon its successor's.
pub(super) const SOCKET_NAME: &str = "bangerd";
/// How long, and how often, the socket is tried to be made that somebody still holds.
const BIND_LIMIT: Duration = Duration::from_secs(3);
const BIND_EVERY: Duration = Duration::from_millis(20);

/// Whose daemon this is.
#[derive(Debug)]
pub(crate) enum Service {
    /// A user's own.
    User {
        /// Where it keeps its things.
        dirs: Dirs,
        /// The socket, where this was a daemon before.
        listener: Option<StdListener>,
    },
    /// The system install's.
    System {
        /// Where it keeps its things.
        dirs: Dirs,
        /// The socket that systemd handed in.
        listener: StdListener,
    },
}

impl Service {
    /// The user's own. To be asked for first, while no other thread runs.
    ///
    /// # Errors
    ///
    /// The environment does not say where it keeps its things.
    pub(crate) fn of_user() -> Result<Self, Fatal> {
        let dirs = Dirs::embedded(&Environment::of_this_process())
            .map_err(|error| Fatal::new("use its directories", &error, error.class(), error.hint()))?;
        let activation = Activation::take();
        let handed_in = activation.and_then(|mut activation| match activation.listener(SOCKET_NAME) {
            Err(ActivationError::NoSocket { .. }) => Ok(None),
            listener => listener.map(Some),
        });
        let listener =
            handed_in.map_err(|error| Fatal::new("take its socket", &error, error.class(), error.hint()))?;
        if listener.is_some() {
            // Children of this process from before: their ends were told to nobody.
            host::process::reap_ended_children();
        }
        Ok(Self::User { dirs, listener })
    }

    /// The system install's. To be asked for first, while no other thread runs.
    ///
    /// # Errors
    ///
    /// There is no system install, this user is not its owner, or systemd did not start this.
    pub(crate) fn of_system() -> Result<Self, Fatal> {
        let no_socket =
            |error: ActivationError| Fatal::new("take its socket", &error, error.class(), error.hint());
        let mut activation = Activation::take().map_err(no_socket)?;
        let paths = SystemPaths::of_this_host();
        let record = paths
            .read_record()
            .map_err(|error| Fatal::new("look at the install", &error, error.class(), error.hint()))?;
        let uid = rustix::process::geteuid().as_raw();
        match record {
            Some(record) if record.owner_uid == uid => {
                let listener = activation.listener(SOCKET_NAME).map_err(no_socket)?;
                Ok(Self::System { dirs: Dirs::system(&paths, &record), listener })
            }
            Some(record) => {
                let why = format!("it is {}'s, and this is user {uid}", record.owner_user);
                Err(refused("look at the install", &why, "systemd starts it: `sudo banger system restart`."))
            }
            None => Err(refused(
                "look at the install",
                "there is no system install",
                "sudo banger system install --owner USER",
            )),
        }
    }

    /// Where it keeps its things.
    pub(crate) fn dirs(&self) -> &Dirs {
        match self {
            Self::User { dirs, .. } | Self::System { dirs, .. } => dirs,
        }
    }

    /// Where its log is, if it is not the journal's.
    pub(crate) fn log_dir(&self) -> Option<&Path> {
        match self {
            Self::User { dirs, .. } => Some(dirs.state()),
            Self::System { .. } => None,
        }
    }

    /// Listens at systemd's socket, or at one that it makes.
    ///
    /// # Errors
    ///
    /// None can be made.
    pub(crate) async fn listen(self) -> Result<(UnixListener, Dirs), Fatal> {
        let (listener, dirs) = match self {
            Self::User { dirs, listener: None } => (bind(&dirs).await?, dirs),
            Self::User { dirs, listener: Some(listener) } | Self::System { dirs, listener } => {
                (listener, dirs)
            }
        };
        let listener = UnixListener::from_std(listener)
            .map_err(|error| Fatal::new("listen at its socket", &error, Class::Failed, None))?;
        Ok((listener, dirs))
    }
}

fn refused(doing: &'static str, why: &str, hint: &str) -> Fatal {
    Fatal { doing, why: why.to_owned(), class: Class::Refused, hint: Some(hint.to_owned()) }
}

/// Makes the socket. Nobody else serves it while the lock is ours; what may hold it for a moment is a program
/// that a daemon began to start in the very moment in which it was killed.
async fn bind(dirs: &Dirs) -> Result<StdListener, Fatal> {
    let began = tokio::time::Instant::now();
    loop {
        match host::sockets::bind(dirs.runtime(), dirs.socket_name()) {
            Err(SocketError::InUse { .. }) if began.elapsed() < BIND_LIMIT => {
                tokio::time::sleep(BIND_EVERY).await;
            }
            bound => {
                return bound
                    .map_err(|error| Fatal::new("make its socket", &error, error.class(), error.hint()));
            }
        }
    }
}

/// Tells systemd, where it wants to know, once the machines are taken up.
pub(crate) async fn tell_when_ready(mut ready_at: watch::Receiver<Option<Timestamp>>) {
    if ready_at.wait_for(Option::is_some).await.is_ok() {
        tell(&[Notice::Ready, Notice::Status("its machines are taken up")]);
    }
}

/// Tells systemd, where it wants to know, that this is about to end.
pub(crate) fn tell_of_end() {
    tell(&[Notice::Stopping, Notice::Status("what was begun comes to an end")]);
}

fn tell(notices: &[Notice<'_>]) {
    if let Err(error) = activation::notify(notices) {
        tracing::warn!("systemd is not told: {error}");
    }
}
