//! Programs that keep rules.

use std::{ffi::OsStr, path::PathBuf, process::Stdio, time::Duration};

use tokio::{io::AsyncWriteExt, process::Command};

use super::error::NetError;
use crate::program::{self, ProgramError};

/// How long one may take. iptables and ufw wait for each other's locks.
const LIMIT: Duration = Duration::from_secs(20);

/// A program that is there.
pub(super) struct Tool(PathBuf);

impl Tool {
    /// Finds it.
    pub(super) fn find(program: &'static str) -> Result<Self, NetError> {
        program::find(program).map(Self).ok_or(NetError::NoProgram { program })
    }

    /// Runs it with `input` on stdin and returns what it said on stdout. It has ended afterwards.
    pub(super) async fn run(&self, args: &[impl AsRef<OsStr>], input: &str) -> Result<String, ProgramError> {
        let cannot = |source| ProgramError::Run { program: self.0.clone(), source };
        let mut command = Command::new(&self.0);
        command
            .args(args)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(cannot)?;
        let stdin = child.stdin.take();
        let write = async {
            if let Some(mut stdin) = stdin {
                // One that does not read to the end says why when it ends.
                let _closed = stdin.write_all(input.as_bytes()).await;
            }
        };
        let both = async { tokio::join!(write, child.wait_with_output()).1 };
        let output = match tokio::time::timeout(LIMIT, both).await {
            Ok(output) => output.map_err(cannot)?,
            Err(_) => return Err(ProgramError::TooLong { program: self.0.clone(), limit: LIMIT }),
        };
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let mut words: Vec<&str> = said.split_ascii_whitespace().collect();
        let how = output.status.to_string();
        if words.is_empty() {
            words.push(&how);
        }
        Err(ProgramError::Failed { program: self.0.clone(), said: words.join(" ") })
    }
}
