//! Other programs: found, run in a process group of their own, and ended with all their descendants.

mod kill;

use std::{
    collections::VecDeque,
    env,
    ffi::{OsStr, OsString},
    io::{self, BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Fault, Job,
    fault::{At, TAIL_LINES},
};

/// Directories that an ordinary user's PATH may lack, though programs that need no root lie there.
const MORE_PATH: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The output that [`Tool::run`] keeps, in bytes.
const OUTPUT_BYTES_MAX: u64 = 16 << 20;

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(25);

/// Asked to end, it asks its whole group; then it waits for the program to clean up.
const GUARD: &str = "trap 'trap \"\" TERM; kill -TERM 0; wait; exit 143' TERM; \"$@\" & wait \"$!\"";

fn search_path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    let dirs: Vec<PathBuf> = env::split_paths(&own).chain(MORE_PATH.map(PathBuf::from)).collect();
    env::join_paths(dirs).unwrap_or(own)
}

/// Finds a program; `None` where the host has none of that name.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&search_path())
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file())
}

/// The lack of a program, with the package that has it.
pub(crate) fn lacking(program: &str, package: &str) -> Fault {
    Fault::lacks(
        format!("the program {program}"),
        format!("Install the package {package} (`sudo apt-get install {package}`) and try again."),
    )
}

/// One run of one program.
#[derive(Debug)]
pub(crate) struct Tool {
    program: &'static str,
    command: Command,
    limit: Duration,
    is_quiet: bool,
    ok_codes: &'static [i32],
}

/// What a program wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stdout: Vec<u8>,
    /// The last lines of stderr.
    pub(crate) tail: Vec<String>,
}

impl Tool {
    /// Finds `program`, which the distribution's `package` has.
    pub(crate) fn new(program: &'static str, package: &str) -> Result<Self, Fault> {
        let path = find(program).ok_or_else(|| lacking(program, package))?;
        Ok(Self::of(program, Command::new(path)))
    }

    /// Finds `program`, which starts others that would outlive it: they end with it, and all of them when
    /// the process that started them is gone.
    pub(crate) fn with_children(program: &'static str, package: &str) -> Result<Self, Fault> {
        let path = find(program).ok_or_else(|| lacking(program, package))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "sh"]).arg(path);
        Ok(Self::of(program, command))
    }

    fn of(program: &'static str, mut command: Command) -> Self {
        command
            .env("PATH", search_path())
            .env("LC_ALL", "C.UTF-8")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .process_group(0);
        kill::die_with_parent(&mut command);
        Self { program, command, limit: Duration::from_mins(10), is_quiet: false, ok_codes: &[0] }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub(crate) fn current_dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Ends it after `limit`; ten minutes where nothing else was said.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Keeps its lines out of the job's log.
    pub(crate) fn quiet(mut self) -> Self {
        self.is_quiet = true;
        self
    }

    /// Takes these exit codes for a success.
    pub(crate) fn ok_codes(mut self, codes: &'static [i32]) -> Self {
        self.ok_codes = codes;
        self
    }

    /// Runs it to its end; what it writes on stdout is kept, up to 16 MiB.
    pub(crate) fn run(self, job: &Job) -> Result<Ended, Fault> {
        let is_quiet = self.is_quiet;
        let (stdout, ended) = self.run_with(job, |stdout| {
            let mut kept = vec![];
            stdout.take(OUTPUT_BYTES_MAX).read_to_end(&mut kept)?;
            io::copy(stdout, &mut io::sink())?;
            Ok::<_, io::Error>(kept)
        })?;
        let stdout = stdout.map_err(|source| Fault::Input { source })?;
        if !is_quiet {
            String::from_utf8_lossy(&stdout).lines().for_each(|line| job.log(line));
        }
        Ok(Ended { stdout, ..ended })
    }

    /// Runs it while `consume` reads what it writes on stdout.
    ///
    /// The program is ended where `consume` fails. A failure of the program itself comes first, since it is
    /// the cause of a short output; else what `consume` returned is passed on.
    pub(crate) fn run_with<T, E>(
        mut self,
        job: &Job,
        consume: impl FnOnce(&mut dyn Read) -> Result<T, E>,
    ) -> Result<(Result<T, E>, Ended), Fault> {
        job.check()?;
        let program = Path::new(self.command.get_program()).to_owned();
        let mut child =
            self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().at("start", &program)?;
        let stop = AtomicBool::new(false);
        let tail = Mutex::new(VecDeque::new());
        let stdout = child.stdout.take();
        let stderr = child.stderr.take();
        let this = &self;
        let (consumed, verdict) = thread::scope(|scope| {
            scope.spawn(|| {
                if let Some(stderr) = stderr {
                    this.keep_tail(job, stderr, &tail);
                }
            });
            let supervisor = scope.spawn(|| this.supervise(&mut child, job, &stop));
            let consumed = stdout.map(|mut stdout| {
                let mut stdout = NotesEnd { inner: &mut stdout, is_at_end: false };
                let consumed = consume(&mut stdout);
                // At its end the program is ending by itself, and says better why the output was short.
                if consumed.is_err() && !stdout.is_at_end {
                    stop.store(true, Ordering::Release);
                }
                consumed
            });
            (consumed, supervisor.join())
        });
        let tail: Vec<String> = tail.into_inner().unwrap_or_else(PoisonError::into_inner).into();
        let (Some(consumed), Ok(verdict)) = (consumed, verdict) else {
            return Err(Fault::Input { source: io::Error::other("a thread ended early") });
        };
        // The consumer gave up first: that the program then ended badly is its doing.
        let verdict = match verdict {
            Verdict::Ended(_) if stop.into_inner() => Verdict::Stopped,
            other => other,
        };
        self.judge(verdict, tail, consumed)
    }

    fn judge<T, E>(
        &self,
        verdict: Verdict,
        tail: Vec<String>,
        consumed: Result<T, E>,
    ) -> Result<(Result<T, E>, Ended), Fault> {
        let program = self.program.to_owned();
        match verdict {
            Verdict::Cancelled => Err(Fault::Cancelled),
            Verdict::TimedOut => Err(Fault::TimedOut { program, limit_secs: self.limit.as_secs(), tail }),
            Verdict::Lost(source) => Err(Fault::io("wait for", Path::new(self.program), source)),
            Verdict::Stopped => Ok((consumed, Ended { stdout: vec![], tail })),
            Verdict::Ended(status) => match status.code() {
                Some(code) if self.ok_codes.contains(&code) => Ok((consumed, Ended { stdout: vec![], tail })),
                _ if tail.iter().any(|line| line.contains("No space left on device")) => {
                    Err(Fault::NoRoom { path: self.written() })
                }
                _ => Err(Fault::Program { program, status: status.to_string(), tail }),
            },
        }
    }

    /// Where it most likely wrote: the last path that it was given.
    fn written(&self) -> PathBuf {
        let paths = self.command.get_args().map(Path::new);
        let last = paths.filter(|path| path.is_absolute() && path.exists()).last();
        last.map_or_else(env::temp_dir, Path::to_owned)
    }

    fn keep_tail(&self, job: &Job, stderr: impl Read, tail: &Mutex<VecDeque<String>>) {
        let mut reader = BufReader::new(stderr);
        let mut line = vec![];
        // A line has a limit, so that a program cannot fill the memory with one.
        while matches!((&mut reader).take(4096).read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if text.is_empty() {
                continue;
            }
            if !self.is_quiet {
                job.log(text.clone());
            }
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.push_back(text);
            if tail.len() > TAIL_LINES {
                tail.pop_front();
            }
        }
    }

    fn supervise(&self, child: &mut Child, job: &Job, stop: &AtomicBool) -> Verdict {
        let began = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    // What it left running would hold its pipes open.
                    kill::end_group(child.id());
                    return Verdict::Ended(status);
                }
                Ok(None) => {}
                Err(error) => return Verdict::Lost(error),
            }
            let verdict = if job.is_cancelled() {
                Verdict::Cancelled
            } else if stop.load(Ordering::Acquire) {
                Verdict::Stopped
            } else if began.elapsed() > self.limit {
                Verdict::TimedOut
            } else {
                thread::sleep(POLL);
                continue;
            };
            kill::end_tree(child);
            return verdict;
        }
    }
}

struct NotesEnd<'a, R> {
    inner: &'a mut R,
    is_at_end: bool,
}

impl<R: Read> Read for NotesEnd<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.is_at_end |= count == 0 && !buf.is_empty();
        Ok(count)
    }
}

#[derive(Debug)]
enum Verdict {
    Ended(ExitStatus),
    Cancelled,
    Stopped,
    TimedOut,
    Lost(io::Error),
}

#[cfg(test)]
mod tests;
