//! The daemon's life: set up, serve, end.

use std::{process::ExitCode, sync::Arc, time::Duration};

use host::{
    dirs::{Dirs, Environment},
    sockets::SocketError,
};
use jiff::Timestamp;
use model::Class;
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    sync::{Semaphore, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::{Accel, App, Busy, Monitor, Replies},
    config::{self, Config, HostSize},
    failure::chain,
    hands::{Hands, Own},
    library, machine,
    operations::Operations,
    owner,
    program::{self, DATABASE, LockError},
    serve::{self, Listening},
};

/// How long operations may take to clean up once the daemon is asked to end.
const OPERATIONS_LIMIT: Duration = Duration::from_secs(20);
/// How long connections may take to finish the replies that they are at.
const REPLIES_LIMIT: Duration = Duration::from_secs(5);
/// How long, and how often, the socket is tried to be made that somebody still holds.
const BIND_LIMIT: Duration = Duration::from_secs(3);
const BIND_EVERY: Duration = Duration::from_millis(20);
/// Boots at once for each processor of the host.
const BOOTS_PER_CORE: usize = 2;

/// Why the daemon did not come up: told on stderr, and by the exit code.
#[derive(Debug)]
pub(crate) struct Fatal {
    doing: &'static str,
    why: String,
    class: Class,
    hint: Option<String>,
}

impl Fatal {
    fn new(doing: &'static str, error: &dyn std::error::Error, class: Class, hint: Option<String>) -> Self {
        Self { doing, why: chain(error), class, hint }
    }

    /// Tells it, in the log too where there is one, and returns the exit code.
    pub(crate) fn tell(&self) -> ExitCode {
        use std::io::Write;
        tracing::error!("{}: {}", self.doing, self.why);
        let hint = self.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        // Where nobody reads it, the exit code still says it.
        let _ = writeln!(std::io::stderr(), "bangerd: {}: {}{hint}", self.doing, self.why);
        ExitCode::from(self.class.exit_code())
    }
}

/// Runs the daemon until it is asked to end.
///
/// # Errors
///
/// What kept it from coming up. Nothing of the machines was touched.
pub(crate) fn run() -> Result<(), Fatal> {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    raise_files_limit();
    let dirs = Dirs::embedded(&Environment::of_this_process())
        .and_then(|dirs| dirs.ensure().map(|()| dirs))
        .map_err(|error| Fatal::new("use its directories", &error, error.class(), error.hint()))?;
    let _lock = program::take_lock(dirs.state())
        .map_err(|error: LockError| Fatal::new("start", &error, error.class(), Some(error.hint())))?;
    let config = read_config(&dirs)?;
    program::start_log(dirs.state(), config.log_level())
        .map_err(|error| Fatal::new("open its log", &error, Class::Failed, None))?;
    tracing::info!(pid = std::process::id(), "bangerd {} starts", program::version_line());

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(Duration::from_secs(2))
        .build()
        .map_err(|error| Fatal::new("start", &error, Class::Failed, None))?;
    let ended = runtime.block_on(serve_all(dirs, config));
    // What blocks still, such as a program that does not heed its end, is left behind.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended?.join().map_err(|_| Fatal {
        doing: "close the database",
        why: "its thread panicked".to_owned(),
        class: Class::Bug,
        hint: None,
    })?;
    tracing::info!("bangerd ends");
    Ok(())
}

/// Each machine that runs takes a descriptor or two, and the usual limit is 1024 of them.
fn raise_files_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it stays as it is, a machine that finds no descriptor says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

fn read_config(dirs: &Dirs) -> Result<Config, Fatal> {
    let capacity = host::capacity::read();
    let host = HostSize { cores: capacity.cores, memory: capacity.memory };
    let defaults = Config::defaults(host)
        .map_err(|error| Fatal::new("read its configuration", &error, Class::Bug, None))?;
    let home = std::env::var_os("HOME").unwrap_or_default();
    config::read(&dirs.config().join("config.toml"), home.as_ref(), defaults)
        .map_err(|error| Fatal::new("read its configuration", &error, error.class(), error.hint()))
}

async fn serve_all(dirs: Dirs, config: Config) -> Result<std::thread::JoinHandle<()>, Fatal> {
    let store = store::Store::open(&dirs.state().join(DATABASE))
        .map_err(|error| Fatal::new("open its database", &error, error.class(), error.hint()))?;
    let (owner, owner_thread) =
        owner::start(store).map_err(|error| Fatal::new("read its database", &error, Class::Failed, None))?;
    let stop = CancellationToken::new();
    on_signals(&stop).map_err(|error| Fatal::new("listen for signals", &error, Class::Failed, None))?;
    let listener = bind(&dirs).await?;
    let app = Arc::new(make_app(dirs, config, owner, stop)?);

    let listening = Arc::new(Listening {
        stop: CancellationToken::new(),
        drain: CancellationToken::new(),
        connections: TaskTracker::new(),
    });
    let accepting =
        tokio::spawn(serve::accept(listener, serve::router(Arc::clone(&app)), Arc::clone(&listening)));
    tracing::info!(socket = %app.dirs.socket().display(), "it listens");
    let settling = tokio::spawn(machine::settle(Arc::clone(&app)));
    app.stop.cancelled().await;
    settling.abort();
    end(&app, &listening, accepting).await;
    Ok(owner_thread)
}

fn on_signals(stop: &CancellationToken) -> std::io::Result<()> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                tracing::info!(signal = kind.as_raw_value(), "asked to end");
                stop.cancel();
            }
        });
    }
    // A terminal that goes away is no reason to end.
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move { while hangups.recv().await.is_some() {} });
    Ok(())
}

/// Makes the socket. Nobody else serves it while the lock is ours; what may hold it for a moment is a program
/// that a daemon began to start in the very moment in which it was killed.
async fn bind(dirs: &Dirs) -> Result<UnixListener, Fatal> {
    let began = tokio::time::Instant::now();
    let listener = loop {
        match host::sockets::bind(dirs.runtime(), dirs.socket_name()) {
            Err(SocketError::InUse { .. }) if began.elapsed() < BIND_LIMIT => {
                tokio::time::sleep(BIND_EVERY).await;
            }
            bound => break bound,
        }
    };
    let listener =
        listener.map_err(|error| Fatal::new("make its socket", &error, error.class(), error.hint()))?;
    UnixListener::from_std(listener)
        .map_err(|error| Fatal::new("make its socket", &error, Class::Failed, None))
}

fn make_app(dirs: Dirs, config: Config, owner: owner::Owner, stop: CancellationToken) -> Result<App, Fatal> {
    let host_boot = host::boot::boot_id()
        .map_err(|error| Fatal::new("look at the host", &error, error.class(), error.hint()))?;
    let user_key = machine::ensure_user_key(dirs.state()).map_err(|failure| Fatal {
        doing: "make its key",
        why: failure.message,
        class: failure.code.class(),
        hint: failure.hint,
    })?;
    let library = library::open(&dirs)
        .map_err(|error| Fatal::new("open its images", &error, error.class(), error.hint()))?;
    let cores = host::capacity::read().cores;
    let hands = Hands::Own(Own { dirs: dirs.clone(), agent: agent_path(), host_boot: host_boot.clone() });
    Ok(App {
        hands,
        host_boot,
        started_at: Timestamp::now(),
        ready_at: watch::Sender::new(None),
        owner,
        operations: Arc::new(Operations::default()),
        busy: Busy::default(),
        replies: Replies::default(),
        library,
        monitor: Monitor::default(),
        accel: Accel::default(),
        boots: Semaphore::new(cores * BOOTS_PER_CORE),
        agent: agent_path(),
        user_key,
        stop,
        leaving: CancellationToken::new(),
        dirs,
        config,
    })
}

/// The agent lies beside this program: one release, one directory.
fn agent_path() -> std::path::PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.with_file_name("banger-vsock-agent")
}

/// Takes nothing more in, lets what was begun come to an end, and leaves.
async fn end(app: &App, listening: &Listening, accepting: tokio::task::JoinHandle<()>) {
    listening.stop.cancel();
    let _ = accepting.await;
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
    // Removed without asking whether anybody answers: the lock is ours, so it can only be ours too.
    if let Err(error) = std::fs::remove_file(app.dirs.socket()) {
        tracing::warn!("its socket stays behind: {error}");
    }
}
