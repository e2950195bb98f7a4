//! Starts the command of a session.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    path::Path,
    process::{Command as StdCommand, Stdio},
};

use guest::{ExecRequest, PtySize, frame::StartFailure};
use rustix::{
    fs::{Mode, OFlags},
    process::{Signal, ioctl_tiocsctty, set_parent_process_death_signal, setsid},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    process::{Child, Command},
};

use crate::{
    mux::port::FdStream,
    serve::passwd::{self, Root},
    words,
};

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

type BoxRead = Box<dyn AsyncRead + Unpin + Send>;
type BoxWrite = Box<dyn AsyncWrite + Unpin + Send>;

/// A command that runs, and what it says and hears through.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) stdin: BoxWrite,
    pub(super) stdout: BoxRead,
    /// None where there is a terminal.
    pub(super) stderr: Option<BoxRead>,
    pub(super) terminal: Option<FdStream>,
}

pub(super) fn start(asked: &ExecRequest) -> Result<Started, StartFailure> {
    let root = passwd::root();
    let program = asked.argv.first().unwrap_or(&root.shell).clone();
    let cwd = asked.cwd.clone().unwrap_or_else(|| home_or_top(&root));
    let failed = |what: &str, code: u8, error: &io::Error| StartFailure {
        code,
        message: format!("{what}: {}", words::of(error)),
    };
    // Looked at here, or a missing directory would pass for a missing program.
    std::fs::read_dir(&cwd).map_err(|error| failed(&format!("start in {cwd}"), 125, &error))?;
    let mut command = command(asked, &root, &program, &cwd);
    let started = match asked.pty {
        Some(size) => with_terminal(&mut command, size),
        None => with_pipes(&mut command),
    };
    started.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            StartFailure { code: 127, message: format!("run {program}: it is not there") }
        }
        io::ErrorKind::PermissionDenied => failed(&format!("run {program}"), 126, &error),
        _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
            failed(&format!("run {program}"), 126, &error)
        }
        _ => failed(&format!("run {program}"), 125, &error),
    })
}

fn home_or_top(root: &Root) -> String {
    if Path::new(&root.home).is_dir() { root.home.clone() } else { "/".to_owned() }
}

fn command(asked: &ExecRequest, root: &Root, program: &str, cwd: &str) -> StdCommand {
    let mut command = StdCommand::new(program);
    command.args(asked.argv.iter().skip(1)).current_dir(cwd).env_clear();
    if asked.argv.is_empty() {
        // What login(1) does: a dash before the name makes a login shell.
        let name = Path::new(program).file_name().unwrap_or_default();
        command.arg0(format!("-{}", name.to_string_lossy()));
    }
    command.envs([
        ("PATH", PATH),
        ("HOME", &root.home),
        ("USER", &root.name),
        ("LOGNAME", &root.name),
        ("SHELL", &root.shell),
        ("LANG", "C.UTF-8"),
    ]);
    if asked.pty.is_some() {
        command.env("TERM", "xterm");
    }
    command.envs(&asked.env);
    command
}

fn with_pipes(command: &mut StdCommand) -> io::Result<Started> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    in_own_session(command, false);
    let mut child = Command::from(std::mem::replace(command, StdCommand::new(""))).spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(io::Error::other("there are no pipes"));
    };
    Ok(Started {
        child,
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        stderr: Some(Box::new(stderr)),
        terminal: None,
    })
}

fn with_terminal(command: &mut StdCommand, size: PtySize) -> io::Result<Started> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs: OwnedFd = rustix::fs::open(&name, flags, Mode::empty())?;
    let terminal = FdStream::new(ours)?;
    resize(&terminal, size)?;
    command.stdin(theirs.try_clone()?).stdout(theirs.try_clone()?).stderr(theirs);
    in_own_session(command, true);
    // Replaced, so that our copies of the terminal's other side close: it ends with the last of theirs.
    let child = Command::from(std::mem::replace(command, StdCommand::new(""))).spawn()?;
    Ok(Started {
        child,
        stdin: Box::new(terminal.clone()),
        stdout: Box::new(terminal.clone()),
        stderr: None,
        terminal: Some(terminal),
    })
}

/// Gives a terminal its size.
pub(super) fn resize(terminal: &FdStream, size: PtySize) -> io::Result<()> {
    let PtySize { rows: ws_row, cols: ws_col } = size;
    Ok(tcsetwinsize(terminal.file(), Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 })?)
}

/// Makes the command the leader of a session and a process group, with the terminal if there is one.
fn in_own_session(command: &mut StdCommand, has_terminal: bool) {
    before_exec(command, move || {
        setsid()?;
        // An agent that dies takes no leave of its sessions.
        set_parent_process_death_signal(Some(Signal::HUP))?;
        if has_terminal {
            ioctl_tiocsctty(rustix::stdio::stdin())?;
        }
        Ok(())
    });
    unprotected(command);
}

/// Takes the agent's protection from the OOM killer away from what it starts.
pub(in crate::serve) fn unprotected(command: &mut StdCommand) {
    before_exec(command, || {
        // Without /proc there is nothing to take away.
        if let Ok(fd) = rustix::fs::open(c"/proc/self/oom_score_adj", OFlags::WRONLY, Mode::empty()) {
            let _ = rustix::io::write(&fd, b"0");
        }
        Ok(())
    });
}

fn before_exec(command: &mut StdCommand, prepare: impl FnMut() -> io::Result<()> + Send + Sync + 'static) {
    #[expect(
        unsafe_code,
        reason = "between fork and exec: callers only make system calls and allocate nothing"
    )]
    unsafe {
        command.pre_exec(prepare);
    }
}
