//! `end-main`: the helper's own main process is ended, and nobody else.
//!
//! The unit says `KillMode=process`, so systemd ends nothing of what else might be in it. And `$MAINPID` may be
//! unset where a start failed: so the helper writes down first which process it is.

use std::{fs, io, path::Path, time::Duration};

use host::process::{Process, ProcessError, ProcessId};

use crate::places::Places;

/// How long it may take to end by itself.
const TERM_LIMIT: Duration = Duration::from_secs(5);
/// How long the kernel may take to take it away.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// `SIGTERM`.
const TERM: i32 = 15;
/// The longest file, in bytes.
const FILE_BYTES_MAX: usize = 256;

/// Why the main process was not ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndError {
    /// It is not known which it is.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file that says it.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It could not be reached.
    #[error("the main process cannot be ended")]
    Process {
        /// Why.
        source: ProcessError,
    },
    /// It was killed and is still there.
    #[error("process {pid} does not go away")]
    StillThere {
        /// Its number.
        pid: u32,
    },
}

/// Writes down that this process is the main one.
///
/// # Errors
///
/// The system's; the one before is still written there, or half of this one, which names nobody.
pub(super) fn write_down(places: &Places) -> io::Result<()> {
    let own = Process::open(std::process::id()).map_err(io::Error::other)?;
    let own = own.ok_or(io::ErrorKind::NotFound)?.id();
    fs::write(places.main_process(), serde_json::to_vec(&own)?)
}

/// Ends the process that was written down last, where it is still there: asks it, and kills it after 5 s.
///
/// # Errors
///
/// [`EndError`]; it may still run.
pub(super) async fn end(places: &Places) -> Result<(), EndError> {
    let path = places.main_process();
    let Some(id) = read(&path).map_err(|source| unreadable(&path, source))? else { return Ok(()) };
    let failed = |source| EndError::Process { source };
    let Some(process) = Process::find(id).map_err(failed)? else { return Ok(()) };
    process.signal(TERM).map_err(failed)?;
    if process.ended_within(TERM_LIMIT).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    tracing::warn!(pid = id.pid, "it did not end when it was asked to, and is killed");
    if process.end(KILL_LIMIT).await.map_err(failed)? {
        Ok(())
    } else {
        Err(EndError::StillThere { pid: id.pid })
    }
}

fn unreadable(path: &Path, source: io::Error) -> EndError {
    EndError::Unreadable { path: path.display().to_string(), source }
}

/// Reads which process it is; `None` where none was ever written down, or only half of one.
fn read(path: &Path) -> io::Result<Option<ProcessId>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    Ok(serde_json::from_slice(&bytes[..bytes.len().min(FILE_BYTES_MAX)]).ok())
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read,
        process::{Child, Command, Stdio},
    };

    use super::*;

    fn places() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::below(dir.path());
        fs::create_dir_all(places.main_process().parent().unwrap()).unwrap();
        (dir, places)
    }

    /// A child is reaped by whoever waits for its end, so it is looked for by what it is.
    fn is_there(id: ProcessId) -> bool {
        Process::find(id).unwrap().is_some()
    }

    fn written(places: &Places, script: &str) -> (ProcessId, Child) {
        let script = format!("{script}; echo up; while :; do sleep 1; done");
        let mut child = Command::new("sh").args(["-c", &script]).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        let id = Process::open(child.id()).unwrap().unwrap().id();
        fs::write(places.main_process(), serde_json::to_vec(&id).unwrap()).unwrap();
        (id, child)
    }

    #[tokio::test]
    async fn it_is_asked_and_then_killed_and_nobody_else_is() {
        let (_dir, places) = places();
        end(&places).await.unwrap();
        let (heeds, _child) = written(&places, ":");
        end(&places).await.unwrap();
        assert!(!is_there(heeds));
        // The number is nobody's now; another start of the same number would not be met either.
        end(&places).await.unwrap();

        let (deaf, _child) = written(&places, "trap '' TERM");
        let mut other = Command::new("sleep").arg("600").spawn().unwrap();
        let text = fs::read_to_string(places.main_process()).unwrap();
        let wrong = text.replace("\"started_ticks\":", "\"started_ticks\":1");
        fs::write(places.main_process(), wrong).unwrap();
        end(&places).await.unwrap();
        assert!(is_there(deaf), "a start that is not its own is not ended");
        fs::write(places.main_process(), text).unwrap();
        end(&places).await.unwrap();
        assert!(!is_there(deaf));
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn what_is_half_written_names_nobody() {
        let (_dir, places) = places();
        fs::write(places.main_process(), "{\"pid\":1,").unwrap();
        assert_eq!(read(&places.main_process()).unwrap(), None);
        write_down(&places).unwrap();
        assert_eq!(read(&places.main_process()).unwrap().unwrap().pid, std::process::id());
    }
}
