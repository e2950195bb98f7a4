//! One run of a program, with everything around it fixed.

mod kin;
mod terminal;
mod way;

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{self, Child, ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

pub(crate) use kin::{children, field};
use terminal::Terminal;
use way::Call;
pub(crate) use way::{Account, Way};

use crate::wait::wait_until;

/// How long a command may take unless it is told otherwise: a boot under emulation on a busy host.
const LIMIT: Duration = Duration::from_mins(4);

/// How long the outputs may stay open after a command's end.
const OUTPUTS_LIMIT: Duration = Duration::from_secs(5);

/// A command to run: an environment of its own, nothing inherited, its own process group.
#[derive(Debug)]
#[must_use]
pub struct Command {
    way: Way,
    program: PathBuf,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    dir: PathBuf,
    stdin: Option<Vec<u8>>,
    terminal: Option<(u16, u16)>,
    limit: Duration,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    pub code: i32,
    /// Its stdout.
    pub stdout: Vec<u8>,
    /// Its stderr.
    pub stderr: Vec<u8>,
    /// How long it took.
    pub took: Duration,
    line: String,
}

/// A command that runs. One that is dropped is killed, its group with it.
#[derive(Debug)]
pub struct Running {
    line: String,
    way: Way,
    child: Child,
    began: Instant,
    limit: Duration,
    stdout: Pipe,
    stderr: Pipe,
    terminal: Option<Terminal>,
    reaped: bool,
}

/// What came out of a pipe so far, and news of its end.
#[derive(Debug)]
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Command {
    pub(crate) fn new(program: PathBuf, dir: PathBuf, envs: &[(OsString, OsString)]) -> Self {
        Self::through(Way::Here, program, dir, envs)
    }

    /// One that runs in a directory of where `way` leads.
    pub(crate) fn through(way: Way, program: PathBuf, dir: PathBuf, envs: &[(OsString, OsString)]) -> Self {
        let envs = envs.to_vec();
        Self { way, program, args: vec![], envs, dir, stdin: None, terminal: None, limit: LIMIT }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets one variable.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((key.into(), value.as_ref().to_owned()));
        self
    }

    /// Starts it somewhere else than in the home.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = dir.into();
        self
    }

    /// Gives it these bytes on stdin, then its end. Without this it reads `/dev/null`.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sets how long it may take.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Gives it a terminal of so many rows and columns, as a person has one: all it writes comes out of that,
    /// as stdout.
    pub fn on_terminal(mut self, rows: u16, cols: u16) -> Self {
        self.terminal = Some((rows, cols));
        self
    }

    /// The program, its arguments and all around it.
    fn build(&self) -> process::Command {
        let Self { program, args, envs, dir, .. } = self;
        self.way.process(&Call { program, args, envs, dir, on_terminal: self.terminal.is_some() })
    }

    /// Starts it.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[track_caller]
    pub fn start(self) -> Running {
        let line = format!("{} {}", self.program.display(), self.args.join(OsStr::new(" ")).display());
        let began = Instant::now();
        let (child, stdout, stderr, terminal) = match self.terminal {
            Some(size) => self.spawn_on_terminal(size),
            None => self.spawn(),
        }
        .unwrap_or_else(|error| panic!("start {line}: {error}"));
        let Self { way, limit, .. } = self;
        Running { line, way, child, began, limit, stdout, stderr, terminal, reaped: false }
    }

    fn spawn(&self) -> io::Result<(Child, Pipe, Pipe, Option<Terminal>)> {
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        let mut command = self.build();
        command.process_group(0).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), self.stdin.clone()) {
            // A command may end without reading all; that is its affair.
            thread::spawn(move || drop(pipe.write_all(&bytes)));
        }
        let (stdout, stderr) = (Pipe::read(child.stdout.take()), Pipe::read(child.stderr.take()));
        Ok((child, stdout, stderr, None))
    }

    fn spawn_on_terminal(
        &self,
        (rows, cols): (u16, u16),
    ) -> io::Result<(Child, Pipe, Pipe, Option<Terminal>)> {
        let (terminal, reader, inside) = terminal::open(rows, cols)?;
        let mut command = self.build();
        command.stdin(inside.try_clone()?).stdout(inside.try_clone()?).stderr(inside);
        let child = command.spawn()?;
        let stdout = Pipe::read(Some(reader));
        Ok((child, stdout, Pipe::read(None::<io::Empty>), Some(terminal)))
    }

    /// Runs it to its end without looking at the clock in between: how long it took is exact, and nothing but
    /// the test run's own limit ends it.
    ///
    /// # Panics
    ///
    /// Where it cannot be started, or fails.
    #[track_caller]
    pub(crate) fn timed(&self) -> Output {
        let line = format!("{} {}", self.program.display(), self.args.join(OsStr::new(" ")).display());
        let mut command = self.build();
        let began = Instant::now();
        let ended = command.stdin(Stdio::null()).output();
        let took = began.elapsed();
        let ended = ended.unwrap_or_else(|error| panic!("start {line}: {error}"));
        Output { code: code(ended.status), stdout: ended.stdout, stderr: ended.stderr, took, line }.ok()
    }

    /// Runs it to its end where whoever runs the tests sees what it writes; returns its exit code.
    pub(crate) fn show(self, limit: Duration) -> i32 {
        let mut child = self
            .build()
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", self.program.display()));
        let Some(status) = wait_until(limit, || child.try_wait().ok().flatten()) else {
            let _gone = child.kill().and_then(|()| child.wait());
            panic!("{} took longer than {} s", self.program.display(), limit.as_secs());
        };
        code(status)
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// Where it takes longer than its limit; it is killed then, its group with it.
    #[track_caller]
    pub fn run(self) -> Output {
        self.start().finish()
    }
}

impl Pipe {
    fn read(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(vec![]));
        let (tell, ended) = mpsc::channel();
        let into = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut piece = vec![0; 64 * 1024];
            let mut pipe = pipe;
            while let Some(count) = pipe.as_mut().and_then(|pipe| pipe.read(&mut piece).ok())
                && count > 0
            {
                let mut bytes = into.lock().unwrap_or_else(PoisonError::into_inner);
                bytes.extend_from_slice(&piece[..count]);
            }
            drop((pipe, tell));
        });
        Self { bytes, ended }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_open_after(&self, limit: Duration) -> bool {
        self.ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout)
    }
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far: stdout, stderr.
    #[must_use]
    pub fn so_far(&self) -> (String, String) {
        let text = |pipe: &Pipe| String::from_utf8_lossy(&pipe.so_far()).into_owned();
        (text(&self.stdout), text(&self.stderr))
    }

    /// How many bytes it wrote to stdout so far.
    #[must_use]
    pub fn wrote(&self) -> usize {
        self.stdout.bytes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Waits until its stdout and stderr together hold `text`.
    ///
    /// # Panics
    ///
    /// Where it ends or takes too long before.
    #[track_caller]
    pub fn wait_for_text(&mut self, text: &str) {
        let holds = |running: &Self| {
            let (stdout, stderr) = running.so_far();
            stdout.contains(text) || stderr.contains(text)
        };
        let seen = wait_until(self.limit, || {
            let is_over = matches!(self.child.try_wait(), Ok(Some(_)));
            (holds(self) || is_over).then_some(())
        });
        let (stdout, stderr) = self.so_far();
        assert!(
            seen.is_some() && holds(self),
            "{} never said {text:?}\nstdout: {stdout}\nstderr: {stderr}",
            self.line
        );
    }

    /// Types on its terminal: `\r` is the return key, `\u{3}` Ctrl-C.
    ///
    /// # Panics
    ///
    /// Where it has none.
    #[track_caller]
    pub fn types(&self, keys: &str) {
        let Some(terminal) = &self.terminal else { panic!("{} has no terminal", self.line) };
        terminal.types(keys).unwrap_or_else(|error| panic!("type into {}: {error}", self.line));
    }

    /// Changes the size of its terminal.
    ///
    /// # Panics
    ///
    /// Where it has none.
    #[track_caller]
    pub fn resize(&self, rows: u16, cols: u16) {
        let Some(terminal) = &self.terminal else { panic!("{} has no terminal", self.line) };
        terminal.resize(rows, cols).unwrap_or_else(|error| panic!("resize {}: {error}", self.line));
    }

    /// Whether its terminal passes every key on, as a guest's needs it.
    ///
    /// # Panics
    ///
    /// Where it has none.
    #[track_caller]
    #[must_use]
    pub fn terminal_is_raw(&self) -> bool {
        let Some(terminal) = &self.terminal else { panic!("{} has no terminal", self.line) };
        terminal.is_raw()
    }

    /// Closes its terminal, as whoever closes a terminal emulator does: the system tells it so.
    ///
    /// # Panics
    ///
    /// Where it has none.
    #[track_caller]
    pub fn close_terminal(&mut self) {
        let Some(_closed) = self.terminal.take() else { panic!("{} has no terminal", self.line) };
    }

    /// Sends a signal to its process group, as a terminal does with Ctrl-C. One that has not begun hears nothing.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            self.way.signal(process, signal);
        }
    }

    /// Waits for its end and for the end of its outputs.
    ///
    /// # Panics
    ///
    /// Where it takes longer than its limit, or where something else keeps its outputs open.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let left = self.limit.saturating_sub(self.began.elapsed());
        let status = wait_until(left, || self.child.try_wait().ok().flatten());
        let took = self.began.elapsed();
        let Some(status) = status else {
            let (stdout, stderr) = self.so_far();
            panic!(
                "{} took longer than {} s\nstdout: {stdout}\nstderr: {stderr}",
                self.line,
                self.limit.as_secs()
            );
        };
        for (name, pipe) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            assert!(
                !pipe.is_open_after(OUTPUTS_LIMIT),
                "{} ended, and its {name} is still held open",
                self.line
            );
        }
        self.reaped = true;
        Output {
            code: code(status),
            stdout: self.stdout.so_far(),
            stderr: self.stderr.so_far(),
            took,
            line: self.line.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            // Until it is gone, since it may not have begun.
            let gone = wait_until(OUTPUTS_LIMIT, || {
                self.signal(Signal::KILL);
                self.child.try_wait().ok().flatten()
            });
            if gone.is_none() {
                let _reaped = self.child.kill().and_then(|()| self.child.wait());
            }
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

impl Output {
    /// Its stdout as text.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its stderr as text.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Its stdout as one object of JSON.
    ///
    /// # Panics
    ///
    /// Where it is none.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: no JSON ({error}): {}", self.line, self.stdout()))
    }

    /// Holds it to an exit code, and returns it.
    ///
    /// # Panics
    ///
    /// Where the code is another one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.code == code,
            "{}\nexited with {}, not {code}, after {:.1} s\nstdout: {}\nstderr: {}",
            self.line,
            self.code,
            self.took.as_secs_f32(),
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// Holds it to success, and returns it.
    ///
    /// # Panics
    ///
    /// Where it failed.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let path = ("PATH".into(), "/usr/bin:/bin".into());
        Command::new("/bin/sh".into(), "/".into(), &[path]).args(["-c", script])
    }

    #[test]
    fn outputs_code_and_environment_are_its_own() {
        let output = sh("cat; env | grep -c CARGO >&2; exit 3").stdin("in").run();
        assert_eq!((output.code, &*output.stdout(), &*output.stderr()), (3, "in", "0\n"));
        assert_eq!(sh("kill -9 $$").run().code, 137);
    }

    #[test]
    fn what_takes_too_long_is_killed_with_all_that_it_started() {
        let running = sh("sleep 600 & echo $!; wait").limit(Duration::from_millis(300)).start();
        let group = running.pid();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| running.finish()));
        assert!(ended.is_err());
        let is_there =
            || rustix::process::test_kill_process_group(Pid::from_raw(group.cast_signed()).unwrap()).is_ok();
        crate::wait::wait_for("the group's end", Duration::from_secs(10), || !is_there());
    }

    #[test]
    fn outputs_that_stay_open_are_found() {
        let running = sh("sleep 60 & exit 0").start();
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| running.finish()));
        let told = ended.unwrap_err().downcast::<String>().unwrap();
        assert!(told.contains("its stdout is still held open"), "{told}");
    }

    #[test]
    fn it_can_be_watched_and_interrupted() {
        let mut running = sh("trap 'echo out; exit 130' INT; echo in; while :; do sleep 0.1; done").start();
        running.wait_for_text("in");
        running.signal(Signal::INT);
        assert_eq!(running.finish().exits(130).stdout(), "in\nout\n");
    }
}
