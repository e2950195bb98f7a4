//! Long work: what it tells while it goes on, and how it is told to stop.

use std::{
    fmt,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Fault;

/// What a long call tells while it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEvent {
    /// A stage began; the one before ended.
    Stage(String),
    /// How far the stage is.
    Progress {
        /// How much is done.
        done: u64,
        /// How much there is, where it is known.
        total: Option<u64>,
        /// What is counted: `bytes`, `files`.
        unit: &'static str,
    },
    /// A line from a program that works for the call.
    Log(String),
    /// Something the user should know, though it goes on.
    Warning(String),
}

/// Tells a long call to stop. Clones speak to the same call.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the call to stop; it cleans up first. Asking twice is asking once.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Says whether it was asked to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

type Sink = dyn Fn(JobEvent) + Send + Sync;

/// One long call, as its caller sees it: hears its events, and may stop it.
#[derive(Clone)]
pub struct Job {
    sink: Arc<Sink>,
    cancel: Cancel,
}

impl Job {
    /// Makes a job whose events go to `sink`, from any thread of the call.
    pub fn new(sink: impl Fn(JobEvent) + Send + Sync + 'static) -> Self {
        Self { sink: Arc::new(sink), cancel: Cancel::default() }
    }

    /// Makes a job that nobody listens to.
    #[must_use]
    pub fn quiet() -> Self {
        Self::new(|_| ())
    }

    /// Lets `cancel` stop this job instead of its own.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Returns what stops this job.
    #[must_use]
    pub fn canceller(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Says that a stage begins.
    pub fn stage(&self, name: impl Into<String>) {
        (self.sink)(JobEvent::Stage(name.into()));
    }

    /// Says how far the stage is, in bytes.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        (self.sink)(JobEvent::Progress { done, total, unit: "bytes" });
    }

    /// Passes on a line of a program.
    pub fn log(&self, line: impl Into<String>) {
        (self.sink)(JobEvent::Log(line.into()));
    }

    /// Says what the user should know, though it goes on.
    pub fn warn(&self, message: impl Into<String>) {
        (self.sink)(JobEvent::Warning(message.into()));
    }

    /// Says whether the call is to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.is_cancelled() { Err(Fault::Cancelled) } else { Ok(()) }
    }

    /// Reads from `inner`, tells the bytes read as progress, and ends with an error once cancelled.
    pub(crate) fn watch<R: Read>(&self, inner: R, total: Option<u64>) -> Watched<'_, R> {
        Watched { job: self, inner, done: 0, told: 0, total }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}

/// Progress is told no more often than this many bytes.
const TELL_EVERY_BYTES: u64 = 4 << 20;

pub(crate) struct Watched<'a, R> {
    job: &'a Job,
    inner: R,
    done: u64,
    told: u64,
    total: Option<u64>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.job.is_cancelled() {
            // Not `Interrupted`: readers take that for "call again".
            return Err(io::Error::other("cancelled"));
        }
        let count = self.inner.read(buf)?;
        self.done += count as u64;
        if self.done - self.told >= TELL_EVERY_BYTES {
            self.told = self.done;
            self.job.progress(self.done, self.total);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_cancelled_job_ends_the_reading() {
        let job = Job::quiet();
        let mut reader = job.watch(&b"abcdef"[..], None);
        let mut buf = [0; 3];
        assert_eq!(reader.read(&mut buf).unwrap(), 3);
        job.canceller().cancel();
        assert!(reader.read(&mut buf).is_err());
        assert!(matches!(job.check(), Err(Fault::Cancelled)));
    }

    #[test]
    fn reading_is_told_as_progress() {
        let told = Arc::new(Mutex::new(vec![]));
        let sink = Arc::clone(&told);
        let job = Job::new(move |event| sink.lock().unwrap().push(event));
        io::copy(&mut job.watch(io::repeat(0).take(9 << 20), Some(9 << 20)), &mut io::sink()).unwrap();
        let told = told.lock().unwrap();
        assert!(told.len() >= 2, "{told:?}");
        assert!(matches!(told[0], JobEvent::Progress { total: Some(9_437_184), .. }));
    }
}
