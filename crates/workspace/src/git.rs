//! The host's git, held to reading.
//!
//! A repository may come from anywhere, and its configuration can name programs: monitors of the file system,
//! filters, hooks, transports. None of them runs: those that the commands here could come to are switched off for
//! each call, and no command is used that would ask a filter.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Write},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use crate::WorkspaceError;

/// What a repository's own configuration says of these does not count.
const SETTINGS: [&str; 12] = [
    // Programs that git would run.
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "protocol.allow=never",
    // Files that git would write.
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "gc.auto=0",
    "maintenance.auto=false",
    // How a guest's older git must find what is written for it.
    "index.skipHash=false",
    "index.version=2",
    "pack.indexVersion=2",
    // What is read off the output.
    "core.quotePath=false",
    "color.ui=false",
];

/// Variables of the person's that stay: where their own configuration is.
const KEPT: [&str; 3] = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"];

/// The part of git's words that an error repeats, in bytes.
const SAID_BYTES_MAX: usize = 400;

/// git in one directory.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    dir: PathBuf,
    before: Vec<OsString>,
    envs: Vec<(&'static str, OsString)>,
    is_apart: bool,
}

impl Git {
    /// git for the repository whose top is `top`, whatever its configuration says of its work tree.
    pub(crate) fn of(top: &Path) -> Self {
        let work_tree = joined("--work-tree=", top);
        Self { dir: top.to_owned(), before: vec![work_tree], envs: vec![], is_apart: false }
    }

    /// git for a repository of ours at `git_dir`: nothing of the person's configuration counts either.
    pub(crate) fn ours(git_dir: &Path, work_tree: &Path) -> Self {
        let before = vec![joined("--git-dir=", git_dir), joined("--work-tree=", work_tree)];
        let envs = vec![("GIT_CONFIG_GLOBAL", "/dev/null".into()), ("GIT_CONFIG_NOSYSTEM", "1".into())];
        Self { dir: work_tree.to_owned(), before, envs, is_apart: false }
    }

    /// With another index.
    #[must_use]
    pub(crate) fn with_index(&self, index: &Path) -> Self {
        let mut git = self.clone();
        git.envs.push(("GIT_INDEX_FILE", index.into()));
        git
    }

    /// Not ended by a Ctrl-C that is meant for this program.
    pub(crate) fn apart(self) -> Self {
        Self { is_apart: true, ..self }
    }

    /// The call.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"GIT_") && !KEPT.iter().any(|kept| name == *kept) {
                command.env_remove(name);
            }
        }
        command
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .envs(self.envs.iter().map(|(name, value)| (name, value)))
            .arg("-C")
            .arg(&self.dir)
            .args(&self.before)
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.is_apart {
            command.process_group(0);
        }
        command
    }

    /// Runs it, and returns all that it came to.
    pub(crate) fn output<S: AsRef<OsStr>>(
        &self,
        what: &'static str,
        args: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Result<Output, WorkspaceError> {
        let run = || -> io::Result<Output> {
            let mut child = self.command(args).stdin(Stdio::piped()).spawn()?;
            let stdin = child.stdin.take();
            thread::scope(|scope| {
                // One that has seen enough of its input says the rest in its exit code.
                scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
                child.wait_with_output()
            })
        };
        run().map_err(|error| not_run(what, &error))
    }

    /// Runs it with `input`, and returns its stdout.
    pub(crate) fn feed<S: AsRef<OsStr>>(
        &self,
        what: &'static str,
        args: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Result<Vec<u8>, WorkspaceError> {
        let output = self.output(what, args, input)?;
        if output.status.success() { Ok(output.stdout) } else { Err(failed(what, &output.stderr)) }
    }

    /// Runs it, and returns its stdout.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        what: &'static str,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Vec<u8>, WorkspaceError> {
        self.feed(what, args, &[])
    }

    /// Runs it, and returns its stdout as one line of text; `None` where it fails.
    pub(crate) fn ask<S: AsRef<OsStr>>(
        &self,
        what: &'static str,
        args: impl IntoIterator<Item = S>,
    ) -> Result<Option<String>, WorkspaceError> {
        let output = self.output(what, args, &[])?;
        let line = String::from_utf8(output.stdout).map_err(|_| WorkspaceError::BadAnswer { what })?;
        Ok(output.status.success().then(|| line.trim_end_matches('\n').to_owned()))
    }
}

fn joined(option: &str, path: &Path) -> OsString {
    let mut text = OsString::from(option);
    text.push(path);
    text
}

/// git could not be started.
pub(crate) fn not_run(what: &'static str, error: &io::Error) -> WorkspaceError {
    match error.kind() {
        io::ErrorKind::NotFound => WorkspaceError::NoGit,
        _ => WorkspaceError::Git { what, said: error.to_string() },
    }
}

/// git ended badly.
pub(crate) fn failed(what: &'static str, stderr: &[u8]) -> WorkspaceError {
    WorkspaceError::Git { what, said: words(stderr) }
}

/// git's own words, on one line.
pub(crate) fn words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut said = lines.join("; ");
    if said.len() > SAID_BYTES_MAX {
        let end = (0..=SAID_BYTES_MAX).rev().find(|end| said.is_char_boundary(*end)).unwrap_or(0);
        said.truncate(end);
        said.push_str(" …");
    }
    if said.is_empty() { "nothing".to_owned() } else { said }
}
