//! Runs a program under `ptrace(2)`, with all of `banger update` that it starts, and can end it before any call that
//! changes something. What else it starts is let go.

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
    sys::{
        ptrace::{self, Event},
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use call::Call;
use tracees::Tracees;

/// The exit code that says that nothing was struck: the call that was to be the last one did not come.
pub const STRUCK_NOTHING: u8 = 70;

/// `PTRACE_SYSCALL_INFO_ENTRY` of `ptrace(2)`.
const ENTRY: u8 = 1;

/// Stops itself, so that whoever traces it misses nothing.
const STOPPED: &str = "kill -STOP $$; exec \"$0\" \"$@\"";

/// Whom to kill, and before which call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The call, as the list of all of them tells it.
    pub call: String,
    /// Which of the calls that are told so, from 1.
    pub nth: usize,
    /// Everyone who is traced; else the one who makes the call.
    pub all: bool,
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
            self.tracees.kill(pid, strike.all);
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
