//! Scripts in a guest, for this program.

use guest::client::Connection;
use model::Class;

use crate::{
    fault::{Doing as _, Fault},
    session::{Collected, collect},
};

/// The most that a script may say where little is expected, in bytes.
const LITTLE_BYTES_MAX: usize = 64 * 1024;

/// Runs a script, and returns what it came to.
pub(super) async fn ask(
    guest: &Connection,
    script: &str,
    arguments: &[&str],
    doing: &str,
) -> Result<Collected, Fault> {
    collect(guest, script, arguments, LITTLE_BYTES_MAX).await.doing(doing)
}

/// Runs a script that must succeed, and returns its stdout.
pub(super) async fn run(
    guest: &Connection,
    script: &str,
    arguments: &[&str],
    doing: &str,
) -> Result<String, Fault> {
    let done = ask(guest, script, arguments, doing).await?;
    if done.code == 0 {
        return Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned());
    }
    Err(failed(&done, doing))
}

/// What a script failed with.
pub(super) fn failed(done: &Collected, doing: &str) -> Fault {
    let said = if done.stderr.is_empty() { format!("exit code {}", done.code) } else { done.stderr.clone() };
    Fault::new(Class::Failed, format!("{doing}: the guest says: {said}"))
}
