//! Sessions that tick each 100 ms: whoever reads them sees every tick once and in order, whatever happens meanwhile.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use smoke::{Host, Running, wait::wait_for};

/// What an undisturbed run takes, and one that is disturbed at least.
const WATCHED: Duration = Duration::from_secs(6);
/// How long the next tick may take on a busy host.
const TICK_LIMIT: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(2);
const TICK: &str = "i=0; while [ ! -e /run/enough ]; do echo $i; i=$((i + 1)); sleep 0.1; done; echo over";

/// A session that ticks.
pub(crate) struct Ticks {
    running: Running,
    seen: usize,
    last: Instant,
    /// The longest gap between two ticks so far.
    pub(crate) longest: Duration,
}

impl Ticks {
    /// Begins one, by an `exec` or an `ssh` in a machine, that lasts for `limit` at most.
    pub(crate) fn begin(host: &Host, how: &str, name: &str, limit: Duration) -> Self {
        let words = ["vm", how, name, "--", "sh", "-c", TICK];
        let mut running = host.banger(words).limit(limit).start();
        running.wait_for_text("3\n");
        Self { running, seen: 0, last: Instant::now(), longest: Duration::ZERO }
    }

    /// Looks for what is new.
    pub(crate) fn look(&mut self) {
        let seen = self.running.wrote();
        if seen > self.seen {
            if self.seen > 0 {
                self.longest = self.longest.max(self.last.elapsed());
            }
            (self.seen, self.last) = (seen, Instant::now());
        }
    }

    /// Waits for the session's end, and holds it to have lost nothing; returns the longest gap.
    #[track_caller]
    pub(crate) fn end(self) -> Duration {
        let output = self.running.finish().ok();
        let text = output.stdout();
        let numbers: Vec<&str> = text.lines().collect();
        let mut wanted = String::new();
        for number in 0..numbers.len() - 1 {
            writeln!(wanted, "{number}").unwrap();
        }
        assert_eq!(text, wanted + "over\n", "each tick once and in order");
        self.longest
    }
}

/// Has sessions that begin in a machine from now on go on.
pub(crate) fn begin_anew(host: &Host, name: &str) {
    host.banger(["vm", "exec", name, "--", "rm", "-f", "/run/enough"]).run().ok();
}

/// Runs an exec and an ssh session beside each other while `disturb` does what it does, until it says that it is done;
/// returns the longest gap of each.
pub(crate) fn ticks(host: &Host, name: &str, mut disturb: impl FnMut(Duration) -> bool) -> [Duration; 2] {
    begin_anew(host, name);
    let mut both = ["exec", "ssh"].map(|how| Ticks::begin(host, how, name, Duration::from_mins(4)));
    let began = Instant::now();
    let mut is_done = false;
    while !is_done || began.elapsed() < WATCHED {
        is_done = disturb(began.elapsed());
        both.iter_mut().for_each(Ticks::look);
        wait_a_look();
    }
    wait_for_a_tick_of_each(&mut both);
    host.banger(["vm", "exec", name, "--", "touch", "/run/enough"]).run().ok();
    both.map(Ticks::end)
}

/// Waits until each has ticked once more.
pub(crate) fn wait_for_a_tick_of_each(sessions: &mut [Ticks]) {
    let before: Vec<usize> = sessions.iter().map(|session| session.seen).collect();
    wait_for("a tick after what happened", TICK_LIMIT, || {
        sessions.iter_mut().for_each(Ticks::look);
        sessions.iter().zip(&before).all(|(session, before)| session.seen > *before)
    });
}

/// Between two looks at the sessions.
pub(crate) fn wait_a_look() {
    thread::sleep(LOOK_EVERY);
}
