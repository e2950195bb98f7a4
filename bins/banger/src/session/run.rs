//! One command in a guest, from its start to its exit code.

use std::{cell::Cell, collections::BTreeMap, future::pending, path::Path, time::Duration};

use futures::StreamExt as _;
use guest::{
    ExecRequest,
    client::{Connection, ExecSession},
    frame::Frame,
};
use model::Class;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};

use super::{
    error::SessionError,
    local,
    pump::{Control, Ended, downward, upward},
    terminal::{self, RawMode},
};
use crate::{
    exit,
    fault::{Explain as _, Fault},
    interrupt::Interrupts,
};

const SIGHUP: i32 = 1;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;

/// So many signals of the user leave at once, whatever the command does with them.
const SIGNALS_MAX: u32 = 3;
/// How long a signal may take to get on its way.
const SIGNAL_LIMIT: Duration = Duration::from_secs(2);
/// How long the command may take after `--timeout`'s SIGTERM, and after its SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(5);
const KILL_GRACE: Duration = Duration::from_secs(5);

/// What to run, and how.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The program and its arguments; none for the login shell.
    pub(crate) argv: Vec<String>,
    /// Set in its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// Whether it gets a terminal.
    pub(crate) tty: bool,
    /// How long it may take.
    pub(crate) limit: Option<Duration>,
    /// Where it starts; in root's home where there is none.
    pub(crate) dir: Option<String>,
}

impl Session {
    fn request(&self) -> ExecRequest {
        let mut env = self.env.clone();
        if self.tty {
            let term = std::env::var("TERM").ok().filter(|term| !term.is_empty());
            env.entry("TERM".to_owned()).or_insert_with(|| term.unwrap_or_else(|| "dumb".to_owned()));
        }
        ExecRequest {
            argv: self.argv.clone(),
            env,
            cwd: self.dir.clone(),
            pty: self.tty.then(terminal::size),
            login_shell: self.argv.is_empty(),
        }
    }
}

/// Runs a command in the guest whose machine's directory is `dir`, and returns its exit code.
pub(crate) async fn run(
    dir: &Path,
    session: &Session,
    doing: &str,
    interrupts: &mut Interrupts,
) -> Result<u8, Fault> {
    let ended = attach(dir, session, interrupts).await;
    match ended.map_err(|error| error.explain(doing))? {
        Ended::Code(code) => Ok(code),
        Ended::NotStarted { code, message } => {
            let fault = Fault::new(Class::Failed, format!("{doing}: {message}"));
            Err(Fault { code: Some(code), ..fault })
        }
    }
}

async fn attach(dir: &Path, session: &Session, interrupts: &mut Interrupts) -> Result<Ended, SessionError> {
    let terminal_error = |source| SessionError::Terminal { source };
    let connection = Connection::in_dir(dir);
    let stream =
        connection.exec(&session.request()).await.map_err(|source| SessionError::Guest { source })?;
    let _raw = if session.tty { RawMode::take().map_err(terminal_error)? } else { None };
    drive(stream, session, interrupts).await
}

async fn drive(
    stream: ExecSession,
    session: &Session,
    interrupts: &mut Interrupts,
) -> Result<Ended, SessionError> {
    let (to, from) = stream.split();
    let (control, told) = mpsc::unbounded_channel();
    let is_overdue = Cell::new(false);
    let upward = async {
        upward(to, local::stdin(), told).await;
        pending().await
    };
    let ended = tokio::select! {
        ended = downward(from, control.clone()) => ended?,
        code = pass_signals(session.tty, interrupts, &control) => Ended::Code(code),
        () = keep_limit(session.limit, &control, &is_overdue) => Ended::Code(exit::TIMED_OUT),
        ended = send_sizes(session.tty, &control) => ended,
        ended = upward => ended,
    };
    Ok(if is_overdue.get() { Ended::Code(exit::TIMED_OUT) } else { ended })
}

/// Passes signals on to the command, and returns an exit code when it is time to leave without it.
async fn pass_signals(tty: bool, interrupts: &mut Interrupts, control: &Control) -> u8 {
    for _ in 1..SIGNALS_MAX {
        let signal = interrupts.next().await;
        // Whoever closes the terminal or ends this program cannot wait for what runs in it.
        if tty && matches!(signal, SIGTERM | SIGHUP) {
            return exit::of_signal(signal);
        }
        let (done, is_sent) = oneshot::channel();
        control.send((Frame::Signal(signal), Some(done))).ok();
        // It waits behind bytes for stdin that the command does not take.
        if timeout(SIGNAL_LIMIT, is_sent).await.is_err() {
            return exit::of_signal(signal);
        }
    }
    exit::of_signal(interrupts.next().await)
}

/// Ends the command when its time is over; returns only when it does not end even so.
async fn keep_limit(limit: Option<Duration>, control: &Control, is_overdue: &Cell<bool>) {
    let Some(limit) = limit else { return pending().await };
    sleep(limit).await;
    is_overdue.set(true);
    control.send((Frame::Signal(SIGTERM), None)).ok();
    sleep(TERM_GRACE).await;
    control.send((Frame::Signal(SIGKILL), None)).ok();
    sleep(KILL_GRACE).await;
}

/// Tells the guest's terminal the size of the one here, whenever it changes.
async fn send_sizes<T>(tty: bool, control: &Control) -> T {
    if tty && let Ok(mut changes) = signal(SignalKind::window_change()) {
        while changes.recv().await.is_some() {
            control.send((Frame::Resize(terminal::size()), None)).ok();
        }
    }
    pending().await
}
