//! Processes, told by number and start time, and reached through a descriptor.
//!
//! A number alone means nothing: it is given to another process once its own is gone. A [`Process`]
//! holds a pidfd (`pidfd_open(2)`), which stays with the one process that it was opened for, so a signal
//! can never reach another. It works alike for children and for processes of an earlier daemon.

use std::{
    fs, io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use model::Class;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use serde::{Deserialize, Serialize};
use tokio::io::{Interest, unix::AsyncFd};

/// Which process, within one boot of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks after the host's boot (`proc_pid_stat(5)`, field 22).
    pub started_ticks: u64,
}

/// How a child of this process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was no child of this process, so the system does not say.
    Unknown,
}

/// Why a process could not be looked at or signalled.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// `/proc` did not tell.
    #[error("process {pid} cannot be looked at")]
    Look {
        /// Its number.
        pid: u32,
        /// What the system said.
        source: io::Error,
    },
    /// It was not signalled.
    #[error("process {pid} cannot be sent signal {signal}")]
    Signal {
        /// Its number.
        pid: u32,
        /// The signal.
        signal: i32,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such signal.
    #[error("{signal} is no signal")]
    NoSuchSignal {
        /// What was asked for.
        signal: i32,
    },
}

impl ProcessError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Look { .. } | Self::Signal { .. } => Class::Failed,
            Self::NoSuchSignal { .. } => Class::Usage,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchSignal { .. } => Some("`kill -l` lists the signals that have a name.".to_owned()),
            Self::Look { .. } | Self::Signal { .. } => None,
        }
    }
}

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Processor time since its start, in milliseconds.
    pub cpu_millis: u64,
    /// Memory that it holds, in bytes.
    pub resident_bytes: u64,
}

/// A process that was alive when this was made.
#[derive(Debug)]
pub struct Process {
    id: ProcessId,
    fd: OwnedFd,
}

impl Process {
    /// Finds a process again; `None` if it is gone, whoever has its number now.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Look`] where that cannot be told; assume neither.
    pub fn find(id: ProcessId) -> Result<Option<Self>, ProcessError> {
        match Self::open(id.pid)? {
            // The descriptor came first: what it means cannot have changed since the start was read.
            Some(process) if process.id == id => Ok(Some(process)),
            _ => Ok(None),
        }
    }

    /// Opens whichever process has this number now; `None` where none has, or where it has ended.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Look`] where that cannot be told.
    pub fn open(pid: u32) -> Result<Option<Self>, ProcessError> {
        let look = |source| ProcessError::Look { pid, source };
        let Some(raw) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return Ok(None);
        };
        let fd = match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(fd) => fd,
            // A thread's number, or nobody's.
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => return Ok(None),
            Err(errno) => return Err(look(errno.into())),
        };
        let stat = match fs::read_to_string(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(source) => return Err(look(source)),
        };
        let stat = Stat::read(&stat).ok_or_else(|| look(io::ErrorKind::InvalidData.into()))?;
        let process = Self { id: ProcessId { pid, started_ticks: stat.started_ticks }, fd };
        Ok(if stat.has_ended { None } else { Some(process) })
    }

    /// Opens a child that has not been reaped, whether it has ended or not.
    pub(crate) fn of_child(pid: u32) -> io::Result<Self> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        let fd = pidfd_open(raw, PidfdFlags::empty())?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let stat = Stat::read(&stat).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { id: ProcessId { pid, started_ticks: stat.started_ticks }, fd })
    }

    /// Which process this is: what to record so that it is found again.
    #[must_use]
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Sends a signal by its number, 1 to 31. Returns whether there was still someone to send it to.
    ///
    /// # Errors
    ///
    /// [`ProcessError::NoSuchSignal`], or [`ProcessError::Signal`] where the system refused.
    pub fn signal(&self, number: i32) -> Result<bool, ProcessError> {
        let signal = Signal::from_named_raw(number).ok_or(ProcessError::NoSuchSignal { signal: number })?;
        match pidfd_send_signal(&self.fd, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(errno) => {
                Err(ProcessError::Signal { pid: self.id.pid, signal: number, source: errno.into() })
            }
        }
    }

    /// Ends it at once (`SIGKILL`). Returns whether there was still someone to end; use
    /// [`Process::ended`] to know when it is gone.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Signal`] where the system refused.
    pub fn kill(&self) -> Result<bool, ProcessError> {
        self.signal(Signal::KILL.as_raw())
    }

    /// Waits until it has ended; a child is reaped. May be called by several tasks, and again after it
    /// ended; one of them learns how.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Look`] where the system lets nobody wait, as with too many descriptors open.
    pub async fn ended(&self) -> Result<Exit, ProcessError> {
        let look = |source| ProcessError::Look { pid: self.id.pid, source };
        // Each waiter has a descriptor of its own: one may be registered only once.
        let fd = self.fd.try_clone().map_err(look)?;
        let fd = readable_at_the_end(fd).map_err(look)?;
        let _readable = fd.readable().await.map_err(look)?;
        self.reap()
    }

    /// As [`Process::ended`], for at most `limit`; `None` if it has not ended by then.
    ///
    /// # Errors
    ///
    /// As [`Process::ended`].
    pub async fn ended_within(&self, limit: Duration) -> Result<Option<Exit>, ProcessError> {
        tokio::time::timeout(limit, self.ended()).await.ok().transpose()
    }

    /// Kills it and waits until it is gone, for at most `limit`. Returns whether it is gone.
    ///
    /// # Errors
    ///
    /// As [`Process::kill`] and [`Process::ended`].
    pub async fn end(&self, limit: Duration) -> Result<bool, ProcessError> {
        self.kill()?;
        Ok(self.ended_within(limit).await?.is_some())
    }

    /// What it uses; `None` once it has ended.
    #[must_use]
    pub fn usage(&self) -> Option<ProcessUsage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id.pid)).ok()?;
        let stat = Stat::read(&stat)?;
        let is_same = stat.started_ticks == self.id.started_ticks && !stat.has_ended;
        let ticks_per_sec = rustix::param::clock_ticks_per_second().max(1);
        let page_bytes = u64::try_from(rustix::param::page_size()).ok()?;
        is_same.then(|| ProcessUsage {
            cpu_millis: stat.cpu_ticks.saturating_mul(1000) / ticks_per_sec,
            resident_bytes: stat.resident_pages.saturating_mul(page_bytes),
        })
    }

    fn reap(&self) -> Result<Exit, ProcessError> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        match waitid(WaitId::PidFd(self.fd.as_fd()), options) {
            Ok(Some(status)) => Ok(status
                .exit_status()
                .map(Exit::Code)
                .or(status.terminating_signal().map(Exit::Signal))
                .unwrap_or(Exit::Unknown)),
            // Not a child of ours, or reaped already.
            Ok(None) | Err(rustix::io::Errno::CHILD) => Ok(Exit::Unknown),
            Err(errno) => Err(ProcessError::Look { pid: self.id.pid, source: errno.into() }),
        }
    }
}

/// Reaps the children that have ended, whoever they were. For a process that became another program, before it has
/// started any of its own.
pub fn reap_ended_children() {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    while let Ok(Some(_ended)) = waitid(WaitId::All, options) {}
}

#[expect(unsafe_code, reason = "the runtime wants a promise about the descriptor")]
fn readable_at_the_end(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` always gives the same number, and keeps it open until it is dropped, which the
    // `AsyncFd` does only after it has taken it out of the poll.
    unsafe { AsyncFd::register_with_interest(pidfd, Interest::READABLE) }.map_err(io::Error::from)
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// What `/proc/<pid>/stat` says (`proc_pid_stat(5)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: u32,
    pub(crate) started_ticks: u64,
    has_ended: bool,
    cpu_ticks: u64,
    resident_pages: u64,
}

impl Stat {
    pub(crate) fn read(text: &str) -> Option<Self> {
        // The second field is the program's name in parentheses, and may hold spaces and parentheses.
        let (pid, _) = text.split_once(' ')?;
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // `fields` begins with field 3.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            pid: pid.parse().ok()?,
            started_ticks: number(22)?,
            has_ended: matches!(*fields.first()?, "Z" | "X" | "x"),
            cpu_ticks: number(14)?.saturating_add(number(15)?),
            resident_pages: number(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[expect(clippy::zombie_processes, reason = "reaping it is what is tested")]
    fn sleep() -> Process {
        let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        Process::of_child(child.id()).unwrap()
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_is_skipped() {
        let line = "42 (a) R 1 (b c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21 22";
        let stat = Stat::read(line).unwrap();
        assert_eq!((stat.pid, stat.started_ticks, stat.cpu_ticks), (42, 987_654, 11 + 12));
        for bad in
            ["", "42", "42 (a)", "42 (a) S 1 2", "x (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 9"]
        {
            assert_eq!(Stat::read(bad), None, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_process_is_found_by_number_and_start_and_not_by_number_alone() {
        let sleep = sleep();
        let found = Process::find(sleep.id()).unwrap().unwrap();
        assert_eq!(found.id(), sleep.id());

        let recycled = ProcessId { started_ticks: sleep.id().started_ticks + 1, ..sleep.id() };
        assert!(Process::find(recycled).unwrap().is_none());

        assert!(sleep.end(LIMIT).await.unwrap());
        assert!(Process::find(sleep.id()).unwrap().is_none());
        assert!(!found.kill().unwrap(), "nobody is left to be killed");
        assert_eq!(found.usage(), None);
    }

    #[tokio::test]
    #[expect(clippy::zombie_processes, reason = "reaping it is what is tested")]
    async fn one_that_ended_but_was_not_reaped_is_gone() {
        let child = Command::new("true").spawn().unwrap();
        let process = Process::of_child(child.id()).unwrap();
        let fd = readable_at_the_end(process.fd.try_clone().unwrap()).unwrap();
        let _ended = tokio::time::timeout(LIMIT, fd.readable()).await.unwrap().unwrap();
        assert!(Process::find(process.id()).unwrap().is_none());
        assert_eq!(process.ended().await.unwrap(), Exit::Code(0));
    }

    #[tokio::test]
    async fn two_wait_for_one_process_and_both_learn_of_its_end() {
        let process = sleep();
        let (one, two, killed) =
            tokio::join!(process.ended_within(LIMIT), process.ended_within(LIMIT), async { process.kill() });
        assert!(killed.unwrap());
        let exits = [one.unwrap().unwrap(), two.unwrap().unwrap()];
        assert!(exits.contains(&Exit::Signal(9)), "{exits:?}");
        assert_eq!(process.ended().await.unwrap(), Exit::Unknown);
    }

    #[tokio::test]
    async fn one_that_is_no_child_can_be_watched_too() {
        // The shell goes away, so its child becomes someone else's.
        let mut shell = Command::new("sh")
            .args(["-c", "sleep 600 >&- & echo $!"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = io::read_to_string(shell.stdout.take().unwrap()).unwrap();
        shell.wait().unwrap();
        let process = Process::open(said.trim().parse().unwrap()).unwrap().unwrap();
        assert_eq!(process.ended_within(Duration::from_millis(50)).await.unwrap(), None);
        assert!(process.usage().unwrap().resident_bytes > 0);
        process.signal(15).unwrap();
        assert_eq!(process.ended_within(LIMIT).await.unwrap(), Some(Exit::Unknown));
    }

    #[tokio::test]
    async fn signals_are_numbers_that_the_system_knows() {
        let process = sleep();
        for number in [-1, 0, 65, 1000] {
            assert!(matches!(process.signal(number), Err(ProcessError::NoSuchSignal { .. })), "{number}");
        }
        assert!(process.end(LIMIT).await.unwrap());
    }

    #[test]
    fn numbers_that_nobody_can_have_are_nobody() {
        for pid in [0, u32::MAX] {
            assert!(Process::open(pid).unwrap().is_none(), "{pid}");
        }
    }
}
