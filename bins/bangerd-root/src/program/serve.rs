//! The helper as a service.

use std::{
    env,
    fs::{self, DirBuilder},
    io,
    os::unix::{
        fs::{DirBuilderExt, PermissionsExt, lchown},
        net::UnixListener as StdListener,
    },
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use host::{
    dirs::RecordError,
    systemd::activation::{Activation, ActivationError, Notice, notify},
};
use privileged::server::{Admitted, serve as answer_calls};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    book::BookError,
    helper::{Helper, Programs},
    net::{HostNetwork, Network, NoNetwork},
    places::Places,
    units::SystemdUnits,
};

/// What systemd calls the socket.
const SOCKET: &str = "bangerd-root";

/// Why the helper does not serve.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    /// systemd handed nothing in.
    #[error("there is nothing to listen on")]
    NoSocket {
        /// Why.
        source: ActivationError,
    },
    /// It is not known whom to serve.
    #[error("it is not known whose this install is")]
    NoRecord {
        /// Why.
        source: RecordError,
    },
    /// Nothing is installed.
    #[error("{} is not there: nothing is installed", path.display())]
    NotInstalled {
        /// The record that is missing.
        path: PathBuf,
    },
    /// Something of the host's cannot be used.
    #[error("{} cannot be used", path.display())]
    Unusable {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no book.
    #[error("there is no book of leases")]
    NoBook {
        /// Why.
        source: BookError,
    },
}

/// Serves until it is told to end, in the runtime that `within` makes.
pub(super) fn serve(
    places: Places,
    socket: Option<&Path>,
    within: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = Result<(), ServeError>>>>) -> ExitCode,
) -> ExitCode {
    // First of all: while there is one thread.
    let listener = listen(socket);
    within(Box::pin(async move { run(places, listener?).await }))
}

fn listen(socket: Option<&Path>) -> Result<StdListener, ServeError> {
    let Some(path) = socket else {
        let handed_in = Activation::take().and_then(|mut handed_in| handed_in.listener(SOCKET));
        return handed_in.map_err(|source| ServeError::NoSocket { source });
    };
    let listen = || -> io::Result<StdListener> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = StdListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|source| ServeError::Unusable { path: path.to_owned(), source })
}

async fn run(places: Places, listener: StdListener) -> Result<(), ServeError> {
    let record = places.system().read_record().map_err(|source| ServeError::NoRecord { source })?;
    let record = record.ok_or_else(|| ServeError::NotInstalled { path: places.system().record() })?;
    for (dir, mode) in [(places.root_state(), 0o711), (places.jails(), 0o711), (places.links(), 0o711)] {
        make(&dir, mode).map_err(|source| ServeError::Unusable { path: dir, source })?;
    }
    let unusable = |source| ServeError::Unusable { path: "the socket".into(), source };
    let listener = UnixListener::from_std(listener).map_err(unusable)?;
    let admitted = Admitted { owner_uid: record.owner_uid };
    let programs = programs(&places)?;
    // What lies below a prefix is not this host's, and neither is its network.
    if places.root() == Path::new("/") {
        let network = HostNetwork::new(host::net::Places::of_the_host());
        let parts = (SystemdUnits::default(), network);
        let helper = Helper::open(places, record.owner_uid, programs, parts).await;
        answer(helper, listener, admitted).await
    } else {
        let parts = (SystemdUnits::default(), NoNetwork);
        let helper = Helper::open(places, record.owner_uid, programs, parts).await;
        answer(helper, listener, admitted).await
    }
}

async fn answer<N: Network>(
    helper: Result<Helper<SystemdUnits, N>, BookError>,
    listener: UnixListener,
    admitted: Admitted,
) -> Result<(), ServeError> {
    let helper = Arc::new(helper.map_err(|source| ServeError::NoBook { source })?);
    let handle = move |call| {
        let helper = Arc::clone(&helper);
        async move { helper.answer(call).await }
    };
    let unusable = |source| ServeError::Unusable { path: "a signal".into(), source };
    let told_to_end = told_to_end().map_err(unusable)?;
    if let Err(error) = notify(&[Notice::Ready]) {
        tracing::warn!("systemd was not told that it serves: {error}");
    }
    tracing::info!(owner_uid = admitted.owner_uid, release = privileged::RELEASE, "it serves");
    answer_calls(listener, admitted, handle, told_to_end).await;
    let _nobody_listens = notify(&[Notice::Stopping]);
    Ok(())
}

/// Units run this program by the path of its own release, so that a machine ends as it began.
fn programs(places: &Places) -> Result<Programs, ServeError> {
    let own = env::current_exe();
    let own = own.map_err(|source| ServeError::Unusable { path: "/proc/self/exe".into(), source })?;
    let mut helper = vec![own.display().to_string()];
    if places.root() != Path::new("/") {
        helper.extend(["--prefix".to_owned(), places.root().display().to_string()]);
    }
    Ok(Programs { helper })
}

/// Makes a directory of root's, or makes it root's again.
fn make(dir: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(dir)?;
    if !fs::symlink_metadata(dir)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    lchown(dir, Some(0), Some(0))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(mode))
}

/// Returns a future that is done when a signal says that it is enough. No machine hears of any.
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A terminal that goes away, and what has no meaning here.
    let mut passed_over = [SignalKind::hangup(), SignalKind::user_defined1(), SignalKind::user_defined2()]
        .map(signal)
        .into_iter()
        .collect::<io::Result<Vec<_>>>()?;
    Ok(async move {
        // Held, so that their default is not done.
        let _held = &mut passed_over;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
