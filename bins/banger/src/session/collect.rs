//! A script in a guest whose output is for this program.

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use guest::{
    ExecRequest,
    client::{Connection, ExecSession},
    frame::Frame,
};

use super::error::SessionError;

/// The most that is taken of stderr, in bytes; what is beyond is dropped.
const STDERR_BYTES_MAX: usize = 16 * 1024;

/// The longest line of one that stays, in bytes: a path.
const LINE_BYTES_MAX: usize = 16 * 1024;

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

/// A script that has printed a line and stays. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    /// The line.
    pub(crate) line: String,
    _session: ExecSession,
}

/// Runs a script for `sh` with arguments, without stdin, and returns at most `bytes_max` of its stdout.
pub(crate) async fn collect(
    guest: &Connection,
    script: &str,
    arguments: &[&str],
    bytes_max: usize,
) -> Result<Collected, SessionError> {
    let mut session = begin(guest, script, arguments).await?;
    session.send(Frame::StdinEnd).await.map_err(|source| SessionError::Broken { source })?;
    let mut output = Output { bytes_max, ..Output::default() };
    while !output.take(session.next().await)? {}
    Ok(output.collected())
}

/// Runs a script that prints one line and stays; `Err` within for one that ended instead.
pub(crate) async fn hold(
    guest: &Connection,
    script: &str,
    arguments: &[&str],
) -> Result<Result<Held, Collected>, SessionError> {
    let mut session = begin(guest, script, arguments).await?;
    let mut output = Output { bytes_max: LINE_BYTES_MAX, ..Output::default() };
    while !output.take(session.next().await)? {
        if let Some(line) = output.stdout.strip_suffix(b"\n") {
            let line = String::from_utf8_lossy(line).into_owned();
            return Ok(Ok(Held { line, _session: session }));
        }
    }
    Ok(Err(output.collected()))
}

async fn begin(guest: &Connection, script: &str, arguments: &[&str]) -> Result<ExecSession, SessionError> {
    let words = ["sh", "-c", script, "sh"].into_iter().chain(arguments.iter().copied());
    let request = ExecRequest { argv: words.map(str::to_owned).collect(), ..ExecRequest::default() };
    guest.exec(&request).await.map_err(|source| SessionError::Guest { source })
}

/// What came so far.
#[derive(Debug, Default)]
struct Output {
    bytes_max: usize,
    code: u8,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    /// Takes what came next; returns whether that was the end.
    fn take(&mut self, frame: Option<std::io::Result<Frame>>) -> Result<bool, SessionError> {
        let frame = frame.ok_or(SessionError::Cut)?;
        match frame.map_err(|source| SessionError::Broken { source })? {
            Frame::Stdout(bytes) => {
                if self.stdout.len() + bytes.len() > self.bytes_max {
                    return Err(SessionError::TooMuch { bytes_max: self.bytes_max });
                }
                self.stdout.extend_from_slice(&bytes);
            }
            Frame::Stderr(bytes) => self.take_stderr(&bytes),
            Frame::Ended(status) => {
                self.code = status.code();
                return Ok(true);
            }
            Frame::NotStarted(failure) => {
                (self.code, self.stderr) = (failure.code, failure.message.into_bytes());
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    }

    fn take_stderr(&mut self, bytes: &Bytes) {
        let room = STDERR_BYTES_MAX.saturating_sub(self.stderr.len()).min(bytes.len());
        self.stderr.extend_from_slice(&bytes[..room]);
    }

    fn collected(self) -> Collected {
        let text = String::from_utf8_lossy(&self.stderr);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Collected { code: self.code, stdout: self.stdout, stderr: lines.join("; ") }
    }
}
