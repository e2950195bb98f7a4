//! Sessions do not notice what happens to the daemon: `vm exec` and `vm ssh`, by a tick each 100 ms.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use smoke::{Host, Running, on_plain, wait::wait_for};

use super::look::{boot_id, daemon, machine, machines, settled};

const NAME: &str = "ticks";
/// A boot of the default image on a busy host.
const BOOT_LIMIT: Duration = Duration::from_mins(6);
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
fn ticks(host: &Host, mut disturb: impl FnMut(Duration)) -> [Duration; 2] {
    host.banger(["vm", "exec", NAME, "--", "rm", "-f", "/run/enough"]).run().ok();
    let exec = ["vm", "exec", NAME, "--", "sh", "-c"];
    let ssh = ["vm", "ssh", NAME, "--", "sh", "-c"];
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
    host.banger(["vm", "exec", NAME, "--", "touch", "/run/enough"]).run().ok();
    both.map(Ticks::end)
}

#[test]
fn daemon_sigkill_keeps_sessions() {
    on_plain(|host| {
        host.with_guests().banger(["vm", "create", "--name", NAME]).limit(BOOT_LIMIT).run().ok();
        let (boot, before) = (boot_id(host, NAME), machine(host, NAME));
        let undisturbed = ticks(host, |_| {});

        // Killed after a second; two seconds with none; the next command; killed again at once; another.
        let mut todo: Vec<(u64, &str)> =
            vec![(1, "kill"), (3, "command"), (4, "kill"), (4, "command"), (5, "kill")];
        let disturbed = ticks(host, |now| {
            while let Some((_, what)) = todo.first().filter(|(at, _)| now >= Duration::from_secs(*at)) {
                match *what {
                    "kill" => daemon(host).unwrap().kill(),
                    _ => assert_eq!(machines(host).len(), 1),
                }
                todo.remove(0);
            }
        });
        assert!(todo.is_empty(), "{todo:?}");
        for (at, session) in ["vm exec", "vm ssh"].iter().enumerate() {
            host.note(format!(
                "{session}: the longest gap between ticks of 100 ms was {} ms undisturbed, {} ms with the daemon \
                 killed three times",
                undisturbed[at].as_millis(),
                disturbed[at].as_millis()
            ));
        }
        let after = settled(host).remove(0);
        assert_eq!(
            (boot_id(host, NAME), &after.monitor, after.link()),
            (boot, &before.monitor, before.link())
        );
        host.banger(["vm", "delete", NAME]).run().ok();
    });
}

/// Between two looks at the sessions.
fn wait_a_look() {
    std::thread::sleep(LOOK_EVERY);
}
