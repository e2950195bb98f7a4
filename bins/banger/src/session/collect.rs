//! A script in a guest whose output is for this program.

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use guest::{ExecRequest, client::Connection, frame::Frame};

use super::error::SessionError;

/// The most that is taken of stderr, in bytes; what is beyond is dropped.
const STDERR_BYTES_MAX: usize = 16 * 1024;

/// What a script came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// Its exit code.
    pub(crate) code: u8,
    /// Its stdout.
    pub(crate) stdout: Vec<u8>,
    /// The first of its stderr, on one line.
    pub(crate) stderr: String,
}

/// Runs a script for `sh` with arguments, without stdin, and returns at most `bytes_max` of its stdout.
pub(crate) async fn collect(
    guest: &Connection,
    script: &str,
    arguments: &[&str],
    bytes_max: usize,
) -> Result<Collected, SessionError> {
    let words = ["sh", "-c", script, "sh"].into_iter().chain(arguments.iter().copied());
    let request = ExecRequest { argv: words.map(str::to_owned).collect(), ..ExecRequest::default() };
    let mut session = guest.exec(&request).await.map_err(|source| SessionError::Guest { source })?;
    let broken = |source| SessionError::Broken { source };
    session.send(Frame::StdinEnd).await.map_err(broken)?;
    let mut collected = Collected::default();
    let mut stderr = vec![];
    loop {
        let frame = session.next().await.ok_or(SessionError::Cut)?;
        match frame.map_err(broken)? {
            Frame::Stdout(bytes) => {
                if collected.stdout.len() + bytes.len() > bytes_max {
                    return Err(SessionError::TooMuch { bytes_max });
                }
                collected.stdout.extend_from_slice(&bytes);
            }
            Frame::Stderr(bytes) => take(&mut stderr, &bytes),
            Frame::Ended(status) => {
                collected.code = status.code();
                break;
            }
            Frame::NotStarted(failure) => {
                (collected.code, stderr) = (failure.code, failure.message.into_bytes());
                break;
            }
            _ => {}
        }
    }
    let text = String::from_utf8_lossy(&stderr);
    collected.stderr =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    Ok(collected)
}

fn take(stderr: &mut Vec<u8>, bytes: &Bytes) {
    let room = STDERR_BYTES_MAX.saturating_sub(stderr.len()).min(bytes.len());
    stderr.extend_from_slice(&bytes[..room]);
}
