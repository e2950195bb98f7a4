//! Processes that outlive the one that starts them.
//!
//! A machine's monitor and link are nobody's children: each leads a session of its own, holds none of
//! our descriptors and no terminal, and nothing that happens to the daemon happens to it.
//!
//! Which process was started is written down **by the new process itself, before it becomes the
//! program**: so there is no moment at which a daemon can be killed and leave a program running that
//! nobody can find again. The file is locked from before the process exists until it is the program, so
//! whoever reads it ([`read_identity`]) waits for that moment.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::{
        fd::AsFd,
        unix::{fs::OpenOptionsExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use model::{BootId, Class};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use crate::process::{Process, ProcessError, ProcessId, Stat};

/// What to start, and where.
#[derive(Clone, Debug)]
pub struct Spawn {
    /// The program, by an absolute path.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub args: Vec<OsString>,
    /// The directory that it runs in.
    pub dir: PathBuf,
    /// The file in `dir` for what it says on stdout and stderr; what was in there goes.
    pub log: &'static str,
    /// The file in `dir` in which it is written down which process it is.
    pub identity: &'static str,
    /// The boot of the host that runs ([`crate::boot::boot_id`]).
    pub host_boot: BootId,
}

/// Why a process was not started, or is not known. In every case none runs that was not there before.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// A file of its directory cannot be written.
    #[error("{} cannot be written", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program cannot be run.
    #[error("{} cannot be run", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file that says which process it is cannot be read.
    #[error("{} cannot be read", file.display())]
    Identity {
        /// Which.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::File { .. } | Self::Identity { .. } => Class::Failed,
            Self::Run { .. } => Class::HostLacks,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File { file, .. } | Self::Identity { file, .. } => {
                let dir = file.parent().unwrap_or(file);
                Some(format!("Check that there is room in {} and that you may write to it.", dir.display()))
            }
            Self::Run { program, .. } => {
                Some(format!("Check that {} is there and may be executed.", program.display()))
            }
        }
    }
}

/// Which process was started, and in which boot of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The process.
    pub process: ProcessId,
    /// The boot of the host in which that means something.
    pub host_boot: BootId,
}

impl Identity {
    /// Finds the process again; `None` if it is gone or the host was booted since.
    ///
    /// # Errors
    ///
    /// As [`Process::find`].
    pub fn find(&self, host_boot: &BootId) -> Result<Option<Process>, ProcessError> {
        if self.host_boot == *host_boot { Process::find(self.process) } else { Ok(None) }
    }
}

/// Starts a process in a session of its own: stdin is empty, stdout and stderr go to its log, every
/// other descriptor is closed, its umask is 077 and its environment holds `PATH` alone.
///
/// It is a child of ours while we live: await [`Process::ended`], or it stays a zombie.
///
/// # Errors
///
/// [`SpawnError::File`] and [`SpawnError::Run`]; no process runs then.
pub fn spawn(what: &Spawn) -> Result<Process, SpawnError> {
    let log = open_new(what, what.log)?;
    let identity = open_new(what, what.identity)?;
    let run = |source| SpawnError::Run { program: what.program.clone(), source };
    announce(&identity, &what.host_boot)
        .map_err(|source| SpawnError::File { file: what.dir.join(what.identity), source })?;

    let mut command = Command::new(&what.program);
    command
        .args(&what.args)
        .current_dir(&what.dir)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(run)?)
        .stderr(log);
    let mut child = start(command, identity).map_err(run)?;
    match Process::of_child(child.id()) {
        Ok(process) => Ok(process),
        Err(source) => {
            // What cannot be watched must not run. It was not reaped, so its number is still its own.
            let _gone = child.kill().and_then(|()| child.wait());
            Err(run(source))
        }
    }
}

/// Starts a command in a session of its own, so that no terminal's end reaches it. It is a child of ours while we live.
///
/// # Errors
///
/// It cannot be run.
#[expect(unsafe_code, reason = "setsid between fork and exec: it is async-signal-safe and allocates nothing")]
pub fn in_own_session(command: &mut Command) -> io::Result<std::process::Child> {
    // SAFETY: the closure makes one system call and touches no memory of the parent.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(|_| ()).map_err(io::Error::from));
    }
    command.spawn()
}

fn open_new(what: &Spawn, name: &str) -> Result<File, SpawnError> {
    let file = what.dir.join(name);
    let flags = (OFlags::NOFOLLOW | OFlags::APPEND).bits();
    let opened = File::options()
        .read(true)
        .write(true)
        .create(true)
        .mode(0o600)
        .custom_flags(i32::try_from(flags).unwrap_or(0))
        .open(&file)
        // Emptied only once it is known to be no link.
        .and_then(|opened| opened.set_len(0).map(|()| opened));
    opened.map_err(|source| SpawnError::File { file, source })
}

/// Locks the file until the last copy of its descriptor is closed: ours, and the new process's, which
/// is closed as it becomes the program.
fn announce(mut identity: &File, host_boot: &BootId) -> io::Result<()> {
    flock(identity, FlockOperation::LockExclusive)?;
    identity.set_len(0)?;
    writeln!(identity, "{host_boot}")
}

#[expect(
    unsafe_code,
    reason = "what stands between fork and exec is unsafe to write, and only there can it be done"
)]
fn start(mut command: Command, identity: File) -> io::Result<std::process::Child> {
    // SAFETY: between fork and exec only what is async-signal-safe may be called. `before_exec` makes
    // system calls and takes no lock and no memory.
    unsafe {
        command.pre_exec(move || before_exec(&identity));
    }
    // Our copy of the lock goes with the closure, and that with the command.
    command.spawn()
}

fn before_exec(identity: &File) -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let own = rustix::fs::open(c"/proc/self/stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    // One line of numbers and a name of at most 64 bytes.
    let mut stat = [0_u8; 1024];
    let len = rustix::io::read(&own, &mut stat)?;
    rustix::io::write(identity.as_fd(), stat.get(..len).unwrap_or_default())?;
    close_on_exec()
}

/// Keeps every descriptor but the first three out of the program: ours are closed at exec anyway, but we
/// may have been started with others.
#[expect(unsafe_code, reason = "no library offers this call")]
fn close_on_exec() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    const LAST: libc::c_uint = libc::c_uint::MAX;
    const CLOEXEC: libc::c_uint = 1 << 2; // CLOSE_RANGE_CLOEXEC, close_range(2)
    // SAFETY: the call takes three numbers and touches no memory; no descriptor is closed before exec.
    let result = unsafe { libc::syscall(libc::SYS_close_range, FIRST, LAST, CLOEXEC) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads which process was last started with this identity file; `None` where none was. Waits while one
/// is just being started.
///
/// # Errors
///
/// [`SpawnError::Identity`] where the file is there and cannot be read.
pub fn read_identity(dir: &Path, name: &str) -> Result<Option<Identity>, SpawnError> {
    let file = dir.join(name);
    match read_locked(&file) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SpawnError::Identity { file, source }),
    }
}

fn read_locked(file: &Path) -> io::Result<String> {
    const BYTES_MAX: u64 = 4096;
    let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let mut file = File::options().read(true).custom_flags(nofollow).open(file)?;
    flock(&file, FlockOperation::LockShared)?;
    file.seek(SeekFrom::Start(0))?;
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// A file without the second line was left by a start that came to nothing.
fn parse(text: &str) -> Option<Identity> {
    let (host_boot, stat) = text.split_once('\n')?;
    let stat = Stat::read(stat)?;
    let process = ProcessId { pid: stat.pid, started_ticks: stat.started_ticks };
    Some(Identity { process, host_boot: host_boot.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::fd::AsRawFd, time::Duration};

    use super::*;
    use crate::{boot::boot_id, process::Exit};

    const LIMIT: Duration = Duration::from_secs(10);

    fn shell(dir: &Path, script: &str) -> Spawn {
        Spawn {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            dir: dir.to_owned(),
            log: "sh.log",
            identity: "sh.id",
            host_boot: boot_id().unwrap(),
        }
    }

    #[tokio::test]
    async fn it_leads_its_own_session_and_holds_nothing_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let ours = File::open("/dev/null").unwrap();
        rustix::io::fcntl_setfd(&ours, rustix::io::FdFlags::empty()).unwrap();
        let script = "pwd; umask; env | cut -d= -f1 | sort | tr '\\n' ' '; echo; \
                      cut -d' ' -f6,7 /proc/$$/stat; echo $$; ls /proc/$$/fd; readlink /proc/$$/fd/0; echo oops >&2";
        let process = spawn(&shell(dir.path(), script)).unwrap();
        assert_eq!(process.ended_within(LIMIT).await.unwrap(), Some(Exit::Code(0)));
        let log = fs::read_to_string(dir.path().join("sh.log")).unwrap();
        let mut lines = log.lines();
        let mut next = || lines.next().unwrap().to_owned();
        assert_eq!(next(), dir.path().canonicalize().unwrap().to_str().unwrap());
        assert_eq!(next(), "0077");
        assert_eq!(next(), "PATH PWD ", "the shell itself adds PWD");
        let (session, pid) = (next(), process.id().pid);
        assert_eq!(session, format!("{pid} 0"), "its session is its own, its terminal is none");
        assert_eq!(next(), pid.to_string());
        let fds: Vec<String> = lines.clone().map(str::to_owned).collect();
        assert!(!fds.contains(&ours.as_raw_fd().to_string()), "{log}");
        assert!(log.ends_with("/dev/null\noops\n"), "{log}");
    }

    #[tokio::test]
    async fn it_is_found_again_by_what_it_wrote_down_itself() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read_identity(dir.path(), "sh.id").unwrap(), None);
        let process = spawn(&shell(dir.path(), "exec sleep 600")).unwrap();
        let identity = read_identity(dir.path(), "sh.id").unwrap().unwrap();
        assert_eq!(identity.process, process.id());

        let host_boot = boot_id().unwrap();
        assert_eq!(identity.find(&host_boot).unwrap().unwrap().id(), process.id());
        let other = "0f8b1f0e-7f0e-4a52-9d3c-0d6a8f3c2b11".parse().unwrap();
        assert!(identity.find(&other).unwrap().is_none(), "another boot's process is nobody");
        assert!(process.end(LIMIT).await.unwrap());
        assert!(identity.find(&host_boot).unwrap().is_none());
    }

    #[tokio::test]
    async fn whoever_reads_waits_until_the_process_is_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let what = shell(dir.path(), "exit 0");
        let identity = open_new(&what, what.identity).unwrap();
        announce(&identity, &what.host_boot).unwrap();
        let path = dir.path().to_owned();
        let reader = tokio::task::spawn_blocking(move || read_identity(&path, "sh.id").unwrap());
        assert!(!reader.is_finished());
        (&identity)
            .write_all(b"7 (sh) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 20 21 22\n")
            .unwrap();
        drop(identity);
        let read = tokio::time::timeout(LIMIT, reader).await.unwrap().unwrap().unwrap();
        assert_eq!(read.process, ProcessId { pid: 7, started_ticks: 99 });
    }

    #[test]
    fn a_start_that_came_to_nothing_left_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let nowhere = Spawn { program: "/nowhere/qemu".into(), ..shell(dir.path(), "") };
        let error = spawn(&nowhere).unwrap_err();
        assert!(matches!(error, SpawnError::Run { .. }), "{error}");
        assert_eq!(error.class(), Class::HostLacks);
        let left = read_identity(dir.path(), "sh.id").unwrap();
        let found = left.map(|left| left.find(&boot_id().unwrap()).unwrap().is_some());
        assert_ne!(found, Some(true));
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "kept").unwrap();
        std::os::unix::fs::symlink(&victim, dir.path().join("sh.log")).unwrap();
        assert!(matches!(spawn(&shell(dir.path(), "")), Err(SpawnError::File { .. })));
        assert_eq!(fs::read_to_string(victim).unwrap(), "kept");
    }
}
