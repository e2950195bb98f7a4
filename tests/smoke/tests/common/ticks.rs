//! Sessions that tick each 100 ms: whoever reads them sees every tick once and in order, whatever happens meanwhile.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use smoke::{Host, Running, wait::wait_for};

/// What an undisturbed run takes, and one that is disturbed at least.
const WATCHED: Duration = Duration::from_secs(6);
const LOOK_EVERY: Duration = Duration::from_millis(2);
const TICK: &str = "i=0; while [ ! -e /run/enough ]; do echo $i; i=$((i + 1)); sleep 0.1; done; echo over";

/// A session that ticks.
struct Ticks {
    running: Running,
    seen: usize,
    last: Instant,
    longest: Duration,
}

impl Ticks {
    fn begin(host: &Host, how: &[&str]) -> Self {
        let mut running = host.banger(how).args([TICK]).limit(Duration::from_mins(4)).start();
        running.wait_for_text("3\n");
        Self { running, seen: 0, last: Instant::now(), longest: Duration::ZERO }
    }

    /// Looks for what is new.
    fn look(&mut self) {
        let seen = self.running.so_far().0.len();
        if seen > self.seen {
            if self.seen > 0 {
                self.longest = self.longest.max(self.last.elapsed());
            }
            (self.seen, self.last) = (seen, Instant::now());
        }
    }

    /// Waits for the session's end, and holds it to have lost nothing; returns the longest gap.
    #[track_caller]
    fn end(self) -> Duration {
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

/// Runs an exec and an ssh session beside each other while `disturb` does what it does; returns the longest gap
/// of each.
pub(crate) fn ticks(host: &Host, name: &str, mut disturb: impl FnMut(Duration)) -> [Duration; 2] {
    host.banger(["vm", "exec", name, "--", "rm", "-f", "/run/enough"]).run().ok();
    let exec = ["vm", "exec", name, "--", "sh", "-c"];
    let ssh = ["vm", "ssh", name, "--", "sh", "-c"];
    let mut both = [Ticks::begin(host, &exec), Ticks::begin(host, &ssh)];
    let began = Instant::now();
    while began.elapsed() < WATCHED {
        disturb(began.elapsed());
        both.iter_mut().for_each(Ticks::look);
        wait_a_look();
    }
    let [from_exec, from_ssh] = [both[0].seen, both[1].seen];
    wait_for("a tick after what happened", WATCHED, || {
        both.iter_mut().for_each(Ticks::look);
        both[0].seen > from_exec && both[1].seen > from_ssh
    });
    host.banger(["vm", "exec", name, "--", "touch", "/run/enough"]).run().ok();
    both.map(Ticks::end)
}

/// Between two looks at the sessions.
fn wait_a_look() {
    std::thread::sleep(LOOK_EVERY);
}
