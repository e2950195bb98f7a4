//! Starting the daemon of this user.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use api::client::Client;
use model::Class;

use super::paths;
use crate::fault::{Doing as _, Fault, plain_io};

/// How long a daemon may take until it listens. It settles its machines afterwards.
const START_LIMIT: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long after one that found the lock taken another is started.
const TRY_AGAIN: Duration = Duration::from_millis(100);
/// How much of the log's end is looked through for the daemon's last words, in bytes.
const LAST_WORDS_BYTES_MAX: u64 = 4096;
const DAEMON: &str = "bangerd";
/// What a daemon says that finds another one (`lock.rs` of bangerd).
const RUNS_ALREADY: &str = "bangerd runs already";

/// Starts the daemon and waits until it listens. Where two commands do so at once, one daemon wins and
/// serves both.
pub(crate) async fn start(client: &Client, doing: &str) -> Result<(), Fault> {
    let program = program().doing(doing)?;
    if !program.exists() {
        let why = format!("{doing}: start the daemon: there is no {}", program.display());
        return Err(Fault::new(Class::Unreachable, why).hint("banger and bangerd belong into one directory."));
    }
    let log = paths::log(doing)?;
    let spawn = || {
        let words = open(&log).map_err(|error| no_log(&log, &error, doing))?;
        spawn(&program, words).doing(&format!("{doing}: start {}", program.display()))
    };
    let (mut child, mut log_from) = spawn()?;
    let began = Instant::now();
    while began.elapsed() < START_LIMIT {
        if client.probe().await.is_ok() {
            return Ok(());
        }
        match child.try_wait().ok().flatten().and_then(|status| status.code()) {
            // Another has the lock: one that will listen in a moment, or one that is just ending.
            Some(code) if code == i32::from(Class::Refused.exit_code()) && found_another(&log, log_from) => {
                tokio::time::sleep(TRY_AGAIN).await;
                if client.probe().await.is_err() {
                    (child, log_from) = spawn()?;
                }
            }
            Some(code) if code != 0 => return Err(ended_early(&log, log_from, doing)),
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
    let ended = child.try_wait().ok().flatten().is_some();
    if ended {
        return Err(ended_early(&log, log_from, doing));
    }
    let why = format!("{doing}: the daemon did not listen within {} s", START_LIMIT.as_secs());
    Err(Fault::new(Class::Unreachable, why).hint(format!("Its log is {}.", log.display())))
}

/// The daemon that came with this program; of an install with releases that of the current one, since this program may be
/// of one that is only tried, or that was gone back from.
fn program() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let own = fs::canonicalize(&own).unwrap_or(own);
    let daemon = host::dirs::in_current_release(&own.with_file_name(DAEMON));
    Ok(fs::canonicalize(&daemon).unwrap_or(daemon))
}

fn open(log: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(log)
}

fn no_log(log: &Path, error: &io::Error, doing: &str) -> Fault {
    let dir = log.parent().unwrap_or(log).display();
    let why = format!("{doing}: open the daemon's log {}: {}", log.display(), plain_io(error));
    Fault::new(Class::Failed, why).hint(format!("Check that {dir} can be written to and has room."))
}

/// Starts the daemon in a session of its own; returns where its words in the log begin.
fn spawn(program: &Path, file: File) -> io::Result<(Child, u64)> {
    let from = file.metadata()?.len();
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).current_dir("/");
    Ok((host::spawn::in_own_session(&mut command)?, from))
}

/// Whether a daemon that refused to start did so because of another one. Where it said nothing, as on a full
/// disk, that is the likeliest.
fn found_another(log: &Path, from: u64) -> bool {
    let words = last_words(log, from).unwrap_or_default();
    words.contains(RUNS_ALREADY) || !words.contains("bangerd: ")
}

/// What the daemon said of its own end: `bangerd: <doing>: <why>`, and a hint on the next line.
fn ended_early(log: &Path, from: u64, doing: &str) -> Fault {
    let words = last_words(log, from).unwrap_or_default();
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let mut after = None;
    let why = lines.find_map(|line| match line.strip_prefix("bangerd: ") {
        None => {
            after = Some(line);
            None
        }
        why => why,
    });
    let why = why.or(after).unwrap_or("it said nothing");
    let hint = after
        .filter(|hint| *hint != why)
        .map_or_else(|| format!("Its log is {}.", log.display()), str::to_owned);
    Fault::new(Class::Unreachable, format!("{doing}: the daemon ended at once: {why}")).hint(hint)
}

fn last_words(log: &Path, from: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let from = from.max(file.metadata()?.len().saturating_sub(LAST_WORDS_BYTES_MAX));
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LAST_WORDS_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
