//! Blobs out of a repository, by name.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

use crate::{
    WorkspaceError,
    git::{Git, not_run},
};

const WHAT: &str = "read a file of a commit";

/// `git cat-file --batch`, which runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Batch {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Batch {
    pub(crate) fn start(git: &Git) -> Result<Self, WorkspaceError> {
        let mut command = git.command(["cat-file", "--batch"]);
        let child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.map_err(|error| not_run(WHAT, &error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(ask), Some(answer)) => Ok(Self { child, ask, answer: BufReader::new(answer) }),
            _ => Err(WorkspaceError::BadAnswer { what: WHAT }),
        }
    }

    /// Asks for a blob and returns its size; its bytes follow, and [`Batch::end`] after them.
    pub(crate) fn blob(&mut self, oid: &str) -> Result<u64, WorkspaceError> {
        let failed = |error: io::Error| WorkspaceError::Git { what: WHAT, said: error.to_string() };
        writeln!(self.ask, "{oid}").and_then(|()| self.ask.flush()).map_err(failed)?;
        let mut line = String::new();
        self.answer.read_line(&mut line).map_err(failed)?;
        match line.trim_end().split(' ').collect::<Vec<_>>()[..] {
            [_, "blob", size] => size.parse().map_err(|_| WorkspaceError::BadAnswer { what: WHAT }),
            [_, "missing"] => Err(WorkspaceError::Git { what: WHAT, said: format!("{oid} is missing") }),
            _ => Err(WorkspaceError::BadAnswer { what: WHAT }),
        }
    }

    /// The bytes after [`Batch::blob`].
    pub(crate) fn bytes(&mut self) -> impl Read + '_ {
        &mut self.answer
    }

    /// Reads the end of a blob.
    pub(crate) fn end(&mut self) -> Result<(), WorkspaceError> {
        let mut end = [0];
        let read = self.answer.read_exact(&mut end);
        read.map_err(|error| WorkspaceError::Git { what: WHAT, said: error.to_string() })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // It has nothing to finish.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
