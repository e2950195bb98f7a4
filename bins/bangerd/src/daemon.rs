//! The daemon's life: set up, serve, end.

use std::{
    os::unix::net::UnixListener,
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::Duration,
};

use config::{Config, HostSize, Settings, Whose};
use host::dirs::{Dirs, SystemPaths};
use jiff::Timestamp;
use model::{BootId, Class, OpId};
use privileged::client::Client;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::{Accel, App, Busy, Holds, Monitor, Replies},
    failure::chain,
    hands::{Hands, Helper, Own},
    library, machine,
    operations::Operations,
    owner,
    program::{self, Fatal, LockError, Service},
    serve::{self, Listening},
};

/// How long operations may take to clean up once the daemon is asked to end.
const OPERATIONS_LIMIT: Duration = Duration::from_secs(20);
/// How long connections may take to finish the replies that they are at.
const REPLIES_LIMIT: Duration = Duration::from_secs(5);
/// Boots at once for each processor of the host.
const BOOTS_PER_CORE: usize = 2;

/// Runs the daemon until it is asked to end. Does not return where it is asked to restart: this process becomes the
/// next daemon.
///
/// # Errors
///
/// What kept it from coming up. Nothing of the machines was touched.
pub(crate) fn run(is_system: bool) -> Result<(), Fatal> {
    let service = if is_system { Service::of_system()? } else { Service::of_user()? };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    raise_files_limit();
    let dirs = service.dirs();
    dirs.ensure().map_err(|error| Fatal::new("use its directories", &error, error.class(), error.hint()))?;
    let _lock = program::take_lock(dirs.state())
        .map_err(|error: LockError| Fatal::new("start", &error, error.class(), Some(error.hint())))?;
    let config = read_config(dirs)?;
    program::start_log(service.log_dir(), config.log_level())
        .map_err(|error| Fatal::new("open its log", &error, Class::Failed, None))?;
    tracing::info!(pid = std::process::id(), "bangerd {} starts", built::line());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_secs(2))
        .build()
        .map_err(|error| Fatal::new("start", &error, Class::Failed, None))?;
    let ended = runtime.block_on(serve_all(service, config));
    // What blocks still, such as a program that does not heed its end, is left behind.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let Ended { owner, successor } = ended?;
    owner.join().map_err(|_| Fatal {
        doing: "close the database",
        why: "its thread panicked".to_owned(),
        class: Class::Bug,
        hint: None,
    })?;
    if let Some((program, socket)) = successor {
        return Err(program::become_next(&program, &socket));
    }
    tracing::info!("bangerd ends");
    Ok(())
}

/// What is left of a daemon that ended.
struct Ended {
    /// The thread that closes the database.
    owner: JoinHandle<()>,
    /// The program that goes on, and the socket for it.
    successor: Option<(PathBuf, UnixListener)>,
}

/// Each machine that runs takes a descriptor or two, and the usual limit is 1024 of them.
fn raise_files_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it stays as it is, a machine that finds no descriptor says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn read_config(dirs: &Dirs) -> Result<Config, Fatal> {
    const DOING: &str = "read its configuration";
    let capacity = host::capacity::read();
    let host = HostSize { cores: capacity.cores, memory: capacity.memory };
    let home = std::env::var_os("HOME").unwrap_or_default();
    let whose = if dirs.is_system() { Whose::Root } else { Whose::User };
    let path = dirs.config().join(config::FILE_NAME);
    let text = host::file::read_text(&path, config::FILE_BYTES_MAX).map_err(|error| Fatal {
        doing: DOING,
        why: format!("{}: {}", path.display(), chain(&error)),
        class: Class::Failed,
        hint: Some("Check that it is a file of text that you may read.".to_owned()),
    })?;
    let read = |text: String| config::parse(&path, &whose, home.as_ref(), &text);
    let settings = text
        .map_or_else(|| Ok(Settings::default()), read)
        .map_err(|error| Fatal::new(DOING, &error, error.class(), error.hint()))?;
    Config::new(host, settings, &path).map_err(|error| Fatal::new(DOING, &error, Class::Bug, None))
}

async fn serve_all(service: Service, config: Config) -> Result<Ended, Fatal> {
    let store = program::open_database(service.dirs())?;
    let (owner, owner_thread) =
        owner::start(store).map_err(|error| Fatal::new("read its database", &error, Class::Failed, None))?;
    let (stop, signalled) = (CancellationToken::new(), CancellationToken::new());
    on_signals(&stop, &signalled)
        .map_err(|error| Fatal::new("listen for signals", &error, Class::Failed, None))?;
    let (listener, dirs) = service.listen().await?;
    let app = Arc::new(make_app(dirs, config, owner, stop)?);

    let listening = Arc::new(Listening {
        stop: CancellationToken::new(),
        drain: CancellationToken::new(),
        connections: TaskTracker::new(),
    });
    let accepting =
        tokio::spawn(serve::accept(listener, serve::router(Arc::clone(&app)), Arc::clone(&listening)));
    tracing::info!(socket = %app.dirs.socket().display(), "it listens");
    let settling = tokio::spawn(machine::take_all_up(Arc::clone(&app)));
    let telling = tokio::spawn(program::tell_when_ready(app.ready_at.subscribe()));
    app.stop.cancelled().await;
    settling.abort();
    telling.abort();
    program::tell_of_end();
    let socket = end(&app, &listening, accepting).await;
    let program = app.restart.get().filter(|_| !signalled.is_cancelled());
    let successor = program.cloned().zip(socket);
    if successor.is_none() {
        leave_socket(&app.dirs);
    }
    Ok(Ended { owner: owner_thread, successor })
}

/// Has `stop` cancelled by the signals that end it, and `signalled` with it.
fn on_signals(stop: &CancellationToken, signalled: &CancellationToken) -> std::io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let (stop, signalled) = (stop.clone(), signalled.clone());
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                tracing::info!(signal = kind.as_raw_value(), "asked to end");
                signalled.cancel();
                stop.cancel();
            }
        });
    }
    // A terminal that goes away is no reason to end.
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move { while hangups.recv().await.is_some() {} });
    Ok(())
}

fn make_app(dirs: Dirs, config: Config, owner: owner::Owner, stop: CancellationToken) -> Result<App, Fatal> {
    let host_boot = host::boot::boot_id()
        .map_err(|error| Fatal::new("look at the host", &error, error.class(), error.hint()))?;
    let user_key = machine::ensure_user_key(&dirs.ssh_key()).map_err(|failure| Fatal {
        doing: "make its key",
        why: failure.message,
        class: failure.code.class(),
        hint: failure.hint,
    })?;
    let library = library::open(&dirs)
        .map_err(|error| Fatal::new("open its images", &error, error.class(), error.hint()))?;
    let cores = host::capacity::read().cores;
    Ok(App {
        hands: hands(&dirs, &host_boot)?,
        host_boot,
        started_at: Timestamp::now(),
        ready_at: watch::Sender::new(None),
        owner,
        operations: Arc::new(Operations::default()),
        busy: Busy::default(),
        is_on_trial: dirs.trial().exists(),
        holds: Holds::default(),
        replies: Replies::open(&dirs.state().join("replies.jsonl")),
        library,
        monitor: Monitor::default(),
        accel: Accel::default(),
        boots: Semaphore::new(cores * BOOTS_PER_CORE),
        agent: agent_path(),
        user_key,
        stop,
        restart: OnceLock::new(),
        leaving: CancellationToken::new(),
        dirs,
        config,
    })
}

/// In a system install only the root helper has machines' processes in hand.
fn hands(dirs: &Dirs, host_boot: &BootId) -> Result<Hands, Fatal> {
    if !dirs.is_system() {
        let own = Own { dirs: dirs.clone(), agent: agent_path(), host_boot: host_boot.clone() };
        return Ok(Hands::Own(own));
    }
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|error| Fatal::new("start", &error, Class::Failed, None))?;
    let paths = SystemPaths::of_this_host();
    let client = Client::new(paths.root_runtime().join(paths.root_socket_name()));
    Ok(Hands::Helper(Helper::new(client, OpId::from_random(bytes), dirs.state().to_owned())))
}

/// The agent lies beside this program: one release, one directory.
fn agent_path() -> std::path::PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("banger-vsock-agent")
}

/// Takes nothing more in, and lets what was begun come to an end. Returns the socket where it restarts: in its queue
/// waits whoever knocks. Else it is closed at once.
async fn end(
    app: &App,
    listening: &Listening,
    accepting: tokio::task::JoinHandle<tokio::net::UnixListener>,
) -> Option<UnixListener> {
    listening.stop.cancel();
    let socket = accepting.await.ok().filter(|_| app.restart.get().is_some());
    app.leaving.cancel();
    let left = app.operations.close(OPERATIONS_LIMIT).await;
    if left > 0 {
        tracing::warn!(left, "operations did not end in time, and are cut short");
    }
    listening.drain.cancel();
    listening.connections.close();
    if tokio::time::timeout(REPLIES_LIMIT, listening.connections.wait()).await.is_err() {
        tracing::warn!("some replies are cut short");
    }
    socket.and_then(|socket| socket.into_std().ok())
}

/// Removes its socket where nobody serves it after this.
fn leave_socket(dirs: &Dirs) {
    // Systemd's stays: whoever knocks meanwhile waits for the next daemon.
    if dirs.is_system() {
        return;
    }
    // Removed without asking whether anybody answers: the lock is ours, so it can only be ours too.
    if let Err(error) = std::fs::remove_file(dirs.socket()) {
        tracing::warn!("its socket stays behind: {error}");
    }
}
