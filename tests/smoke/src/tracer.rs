//! Runs a program under `ptrace(2)`, with all of `banger update` that it starts, and can end it before any call that
//! changes something, or have that call fail. What else it starts is let go.

mod blow;
mod call;
mod tracees;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
};

use nix::{
    errno::Errno,
    sys::{
        ptrace::{self, Event},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use blow::Blow;
use call::Call;
use tracees::Tracees;

/// The exit code that says that nothing was struck: the call that was to be the last one did not come.
pub const STRUCK_NOTHING: u8 = 70;

/// `PTRACE_SYSCALL_INFO_ENTRY` of `ptrace(2)`.
const ENTRY: u8 = 1;
/// `PTRACE_SYSCALL_INFO_EXIT` of `ptrace(2)`.
const EXIT: u8 = 2;
/// The number of no call: the kernel makes none (`seccomp(2)`, of a tracer that changes the number).
const NO_CALL: u64 = u64::MAX;

/// Stops itself, so that whoever traces it misses nothing.
const STOPPED: &str = "kill -STOP $$; exec \"$0\" \"$@\"";

/// What to do, and before which call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The call, as the list of all of them tells it.
    pub call: String,
    /// Which of the calls that are told so, from 1.
    pub nth: usize,
    /// What happens then.
    pub blow: Blow,
}

/// Runs a program, and writes what it and its like change to `list`, a line for each call. Returns this program's exit
/// code: [`STRUCK_NOTHING`], or 0.
///
/// # Errors
///
/// The program cannot be traced, or the list not be written.
pub fn trace(list: &str, strike: Option<&Strike>, program: &[&str]) -> io::Result<ExitCode> {
    let child = Command::new("/bin/sh").args(["-c", STOPPED]).args(program).process_group(0).spawn()?;
    let first = Pid::from_raw(child.id().cast_signed());
    waitpid(first, Some(WaitPidFlag::WUNTRACED))?;
    ptrace::seize(first, options())?;
    kill(first, Signal::SIGCONT)?;

    let mut tracer = Tracer {
        list: io::BufWriter::new(fs::File::create(list)?),
        strike,
        has_struck: false,
        failing: None,
        seen: BTreeMap::new(),
        tracees: Tracees::default(),
    };
    // Until there is nobody left (`ECHILD`).
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::__WALL)) {
        tracer.go_on(status)?;
    }
    tracer.list.flush()?;
    let is_done = tracer.has_struck || strike.is_none();
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::from(STRUCK_NOTHING) })
}

struct Tracer<'a> {
    list: io::BufWriter<fs::File>,
    strike: Option<&'a Strike>,
    has_struck: bool,
    /// The thread whose call is to fail, and with what.
    failing: Option<(Pid, Errno)>,
    /// How often each call was made.
    seen: BTreeMap<String, usize>,
    tracees: Tracees,
}

impl Tracer<'_> {
    /// Lets a tracee that stopped go on, or go.
    fn go_on(&mut self, status: WaitStatus) -> io::Result<()> {
        let Some(pid) = status.pid() else { return Ok(()) };
        let mut signal = None;
        match status {
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => {
                self.tracees.forget(pid);
                return Ok(());
            }
            WaitStatus::PtraceEvent(_, _, event)
                if event == Event::PTRACE_EVENT_EXEC as i32 && !tracees::is_update(pid) =>
            {
                self.tracees.forget(pid);
                let _gone = ptrace::detach(pid, None);
                return Ok(());
            }
            WaitStatus::PtraceSyscall(_) => {
                if let Some(call) = entered(pid) {
                    self.note(pid, &call)?;
                } else if let Some((_, errno)) = self.failing.take_if(|(failing, _)| *failing == pid) {
                    fail(pid, errno)?;
                }
            }
            WaitStatus::Stopped(_, came) => signal = Some(came),
            _ => {}
        }
        self.tracees.meet(pid);
        // It may have been killed meanwhile.
        let _gone = ptrace::syscall(pid, signal);
        Ok(())
    }

    /// Lists a call, and strikes if it is the one.
    fn note(&mut self, pid: Pid, call: &Call) -> io::Result<()> {
        let call = format!("{} {call}", tracees::role(pid));
        writeln!(self.list, "{call}")?;
        let count = self.seen.entry(call.clone()).or_default();
        *count += 1;
        if let Some(strike) = self.strike
            && !self.has_struck
            && (&strike.call, strike.nth) == (&call, *count)
        {
            self.has_struck = true;
            match strike.blow {
                Blow::KillCaller => self.tracees.kill(pid, false),
                Blow::KillAll => self.tracees.kill(pid, true),
                Blow::Fail(errno) => {
                    skip(pid)?;
                    self.failing = Some((pid, errno));
                }
            }
        }
        Ok(())
    }
}

/// Whoever is traced does not outlive this program.
fn options() -> ptrace::Options {
    use ptrace::Options;
    Options::PTRACE_O_EXITKILL
        | Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEEXEC
}

/// The call that it is about to make, if that changes something.
fn entered(pid: Pid) -> Option<Call> {
    let info = ptrace::syscall_info(pid).ok()?;
    let registers = (info.op == ENTRY).then(|| ptrace::getregs(pid).ok())??;
    Call::read(pid, &registers)
}

/// Has the call that a thread is about to make not be made.
fn skip(pid: Pid) -> io::Result<()> {
    let mut registers = ptrace::getregs(pid)?;
    registers.orig_rax = NO_CALL;
    Ok(ptrace::setregs(pid, registers)?)
}

/// Has a thread believe that its call, which was not made, failed.
fn fail(pid: Pid, errno: Errno) -> io::Result<()> {
    if ptrace::syscall_info(pid)?.op != EXIT {
        return Err(io::Error::other("a call that is to fail does not end"));
    }
    let mut registers = ptrace::getregs(pid)?;
    registers.rax = (-i64::from(errno as i32)).cast_unsigned();
    Ok(ptrace::setregs(pid, registers)?)
}
