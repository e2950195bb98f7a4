//! Sessions, counted: the host tells from them whether anybody uses the machine.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

/// How many sessions there are and were.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: AtomicU32,
    begun: AtomicU64,
}

/// A session, as long as this is kept.
#[derive(Debug)]
#[must_use]
pub(super) struct Session(Arc<Sessions>);

impl Sessions {
    /// Counts one that begins now.
    pub(super) fn begin(self: &Arc<Self>) -> Session {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Session(Arc::clone(self))
    }

    /// Those that are open.
    pub(super) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Those that were begun since the agent started.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
