//! A user's own update that was interrupted: nobody takes it up but the next command.

use std::time::{Duration, Instant};

use api::client::Client;
use host::dirs::Mode;
use model::Class;
use updater::{driver, places::Places};

use super::{paths, starter};
use crate::{
    fault::{Doing as _, Fault},
    screen::Screen,
};

/// How long whoever drives an update may take until there is a daemon: its trial, and the way back.
const DRIVEN_LIMIT: Duration = Duration::from_mins(2);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Whether an update of the user's own is declared: only its driver starts the daemon then, which must not run while the
/// database is put back.
pub(super) fn is_declared(doing: &str) -> Result<bool, Fault> {
    Ok(Places::own(&paths::dirs(doing)?).journal().exists())
}

/// Waits for the daemon that whoever drives the update starts.
///
/// # Errors
///
/// There is none yet.
pub(super) async fn wait(client: &Client, doing: &str) -> Result<(), Fault> {
    let began = Instant::now();
    while began.elapsed() < DRIVEN_LIMIT {
        if client.probe().await.is_ok() {
            return Ok(());
        }
        if !is_declared(doing)? {
            return starter::start(client, doing).await;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let why = format!("{doing}: an update is under way, and no daemon answers yet");
    Err(Fault::new(Class::Unreachable, why)
        .hint("`banger update --resume` ends it, should nobody be at it any more."))
}

/// Ends an update that was declared and that nobody carries on, by the release that knows how. In the system install the
/// driver's unit and the boot do that.
///
/// # Errors
///
/// It could not be ended: what would be used then is neither release whole.
pub(super) async fn end(screen: Screen, doing: &str) -> Result<(), Fault> {
    let Mode::Embedded { .. } = paths::mode(doing)? else { return Ok(()) };
    let places = Places::own(&paths::dirs(doing)?);
    if !driver::is_interrupted(&places) {
        return Ok(());
    }
    screen.note("an update was interrupted; it is brought to an end first");
    let program = std::env::current_exe().doing(doing)?;
    let ended = tokio::process::Command::new(program).args(["update", "--resume"]).output().await;
    let ended = ended.doing(doing)?;
    // Another command may be at it already: then the daemon holds what would disturb it.
    if ended.status.success() || !driver::is_interrupted(&places) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let mut lines = said.lines().map(str::trim);
    let why = lines.next().unwrap_or_default().trim_start_matches("banger: ").to_owned();
    let fault = Fault::new(Class::Failed, format!("{doing}: an update was interrupted: {why}"));
    Err(fault
        .hint(lines.next().unwrap_or("`banger update --resume` tries again.").trim_start_matches("hint: ")))
}
