//! How long a download may take.

use std::time::{Duration, Instant};

/// How long a download may take, and how slow it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// To find the server, connect and agree on keys.
    pub connect: Duration,
    /// Without a byte.
    pub silence: Duration,
    /// From the beginning to the end.
    pub total: Duration,
    /// Over which the speed is taken.
    pub window: Duration,
    /// The fewest bytes in a window that passed.
    pub window_bytes_min: u64,
}

impl Default for Pace {
    /// Lets a bad connection through and no server that only keeps the line open: 15 s to connect, 30 s without a
    /// byte, 64 KiB in 30 s (2 KiB/s), an hour in all.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            total: Duration::from_hours(1),
            window: Duration::from_secs(30),
            window_bytes_min: 64 * 1024,
        }
    }
}

/// What a download has done in the window that runs.
#[derive(Debug)]
pub(crate) struct Watch {
    pace: Pace,
    since: Instant,
    bytes: u64,
}

impl Watch {
    /// Begins the first window.
    pub(crate) fn new(pace: Pace, now: Instant) -> Self {
        Self { pace, since: now, bytes: 0 }
    }

    /// Counts what came. False where a window passed with too little in it.
    pub(crate) fn is_fast_enough(&mut self, came_bytes: u64, now: Instant) -> bool {
        self.bytes += came_bytes;
        if now.duration_since(self.since) < self.pace.window {
            return true;
        }
        let is_enough = self.bytes >= self.pace.window_bytes_min;
        (self.since, self.bytes) = (now, 0);
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_window_counts_for_itself() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let pace = Pace { window: Duration::from_secs(10), window_bytes_min: 100, ..Pace::default() };
        let mut watch = Watch::new(pace, start);
        assert!(watch.is_fast_enough(0, at(9)), "the window has not passed");
        assert!(watch.is_fast_enough(100, at(10)));
        assert!(watch.is_fast_enough(1_000_000, at(19)));
        assert!(watch.is_fast_enough(0, at(20)));
        assert!(!watch.is_fast_enough(99, at(30)), "what came in the window before does not help");
    }
}
