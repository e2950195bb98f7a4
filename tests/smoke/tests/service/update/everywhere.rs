//! Sessions in several machines, that are looked at while something is done.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use smoke::Host;

use crate::common::ticks::{Ticks, begin_anew, wait_a_look, wait_for_a_tick_of_each};

/// Sessions in several machines.
pub(super) struct Everywhere<'a> {
    host: &'a Host,
    names: Vec<&'a str>,
    sessions: Vec<Ticks>,
}

impl<'a> Everywhere<'a> {
    /// Begins them, a machine and how each, that last for `limit` at most.
    pub(super) fn begin(host: &'a Host, all: &[(&'a str, &str)], limit: Duration) -> Self {
        let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
        for name in &names {
            begin_anew(host, name);
        }
        let sessions = all.iter().map(|(name, how)| Ticks::begin(host, how, name, limit)).collect();
        Self { host, names, sessions }
    }

    /// Does `work`, and sees a tick of each session after it. Returns what came of it, and the longest gap meanwhile.
    pub(super) fn during<T>(&mut self, work: impl FnOnce() -> T) -> (T, Duration) {
        let sessions = &mut self.sessions;
        for session in sessions.iter_mut() {
            session.longest = Duration::ZERO;
        }
        let is_over = AtomicBool::new(false);
        let done = thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    sessions.iter_mut().for_each(Ticks::look);
                    wait_a_look();
                }
                wait_for_a_tick_of_each(sessions);
            });
            let _over = Over(&is_over);
            work()
        });
        (done, self.sessions.iter().map(|session| session.longest).max().unwrap_or_default())
    }

    /// Ends them, and holds each to have lost nothing.
    #[track_caller]
    pub(super) fn end(self) {
        for name in self.names {
            self.host.banger(["vm", "exec", name, "--", "touch", "/run/enough"]).run().ok();
        }
        for session in self.sessions {
            session.end();
        }
    }
}

/// Says that work is over, also where it panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
