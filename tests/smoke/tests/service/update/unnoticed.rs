//! What users notice of an update: no call fails, no session breaks, no machine is another one; and how long anything
//! stands still.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use smoke::{Host, NEXT, Releases, Running, on_service, script, wait::wait_for};

use super::{
    bad::daemon_that,
    everywhere::Everywhere,
    lived::{Lived, SMALL},
};
use crate::{
    random,
    system::{boot_id, main_pid, monitor_unit},
};

/// How many clients call at once. One of them changes something.
const CLIENTS: u64 = 20;
/// How often there and back; `BANGER_SMOKE_UPDATES=20` is for by hand.
const ROUNDS: u64 = 1;
/// A boot of the default image on a busy host.
const BOOT_LIMIT: Duration = Duration::from_mins(6);
/// How long one way may take beside so many clients.
const WAY_LIMIT: Duration = Duration::from_mins(5);
/// How many calls are watched without an update.
const QUIET_CALLS: usize = 100;
/// How long a call may take before a client gives up by itself.
const STALL_MAX: Duration = Duration::from_secs(110);

#[test]
fn update_is_not_noticed() {
    on_service(|host| {
        let rounds = random::count(host, "BANGER_SMOKE_UPDATES", ROUNDS);
        let mut lived = Lived::begin(host);
        host.start_small("two");
        host.banger(["vm", "create", "--name", "big"]).limit(BOOT_LIMIT).run().ok();
        host.banger(["vm", "create", "--name", "idle", "--no-start"]).args(SMALL).run().ok();
        let machines = ["one", "two", "big"];
        let before = machines.map(|name| machine(host, name));
        lived.releases.offer(NEXT, |_| ());
        let bad = Releases::serve(host);
        bad.offer(NEXT, |dir| script(&dir.join("bangerd"), &daemon_that("exit 1")));

        let limit = WAY_LIMIT * u32::try_from(2 * rounds + 2).unwrap();
        // The small image has no sshd.
        let all = [("one", "exec"), ("two", "exec"), ("big", "exec"), ("big", "ssh")];
        let mut sessions = Everywhere::begin(host, &all, limit);
        let clients = Clients::begin(host, limit);
        let mut phases = vec![];
        let mut phase = |what: &str, work: &mut dyn FnMut()| {
            let from = now_millis();
            let ((), gap) = sessions.during(work);
            phases.push((what.to_owned(), from..now_millis(), gap));
        };
        phase("no update", &mut || clients.wait_for_calls(QUIET_CALLS));
        for _ in 0..rounds {
            phase("update", &mut || there(&lived));
            phase("rollback", &mut || back(&lived));
        }
        lived.releases = bad;
        phase("bad release", &mut || goes_back(&lived));
        let calls = clients.end(host);
        sessions.end();

        for what in ["no update", "update", "rollback", "bad release"] {
            let of_it = phases.iter().filter(|(name, ..)| name == what);
            let gap = of_it.clone().map(|(.., gap)| *gap).max().unwrap_or_default();
            let spans: Vec<_> = of_it.map(|(_, span, _)| span.clone()).collect();
            let stalls = calls.within(|at| spans.iter().any(|span| span.contains(&at)));
            host.note(format!(
                "{what} ({} times): {stalls}, longest tick gap {} ms",
                spans.len(),
                gap.as_millis()
            ));
        }
        assert_eq!(calls.failed, [""; 0]);
        assert!(
            calls.all.iter().all(|call| u128::from(call.millis) < STALL_MAX.as_millis()),
            "a call stood still"
        );
        let idle = host.vm("idle");
        assert_eq!(
            idle["spec"]["memory"],
            calls.last_change() << 20,
            "the last change that was answered is what there is"
        );
        assert_eq!(machines.map(|name| machine(host, name)), before);
        for name in ["idle", "one", "two", "big"] {
            host.delete(name);
        }
    });
}

fn there(lived: &Lived<'_>) {
    lived.update([]).limit(WAY_LIMIT).run().ok();
    lived.assert_whole(NEXT, "an update beside clients");
}

fn back(lived: &Lived<'_>) {
    lived.update(["--rollback"]).limit(WAY_LIMIT).run().ok();
    lived.assert_whole("v0.1.0", "a rollback beside clients");
}

fn goes_back(lived: &Lived<'_>) {
    let said = lived.update([]).limit(WAY_LIMIT).run().exits(1).stderr();
    assert!(said.contains("(rolled back to previous install)"), "{said}");
    lived.assert_whole("v0.1.0", "a bad release beside clients");
}

/// A machine's processes, and its guest's boot.
fn machine(host: &Host, name: &str) -> [String; 3] {
    let monitor = monitor_unit(host, name);
    let link = monitor.replace("banger-vm-", "banger-link-");
    [main_pid(host, &monitor), main_pid(host, &link), boot_id(host, name)]
}

fn now_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// Calls without a pause until it is enough; what comes of each is a line: what was called, the memory that was asked for,
/// when that was, how long it took in milliseconds, and why it failed.
const CALLS: &str = "what=$1 n=0
    while [ ! -e /tmp/enough ]; do
        n=$((n + 1)) mib=$((256 + n % 100))
        [ $what = change ] && set -- vm set idle --memory ${mib}M || set -- vm list --quiet
        at=$(date +%s%3N)
        said=$(banger \"$@\" 2>&1 >/dev/null) && why= || why=\"failed: $(echo $said)\"
        echo $what $mib $at $(($(date +%s%3N) - at)) $why
    done";

/// Clients that call without a pause.
struct Clients(Vec<Running>);

impl Clients {
    fn begin(host: &Host, limit: Duration) -> Self {
        let client = |number| {
            let what = if number == 0 { "change" } else { "read" };
            // What they call is not as nice as they are: there are more of them than processors.
            host.program("/usr/bin/nice")
                .args(["-n", "19", "sh", "-c", CALLS, "sh", what])
                .limit(limit)
                .start()
        };
        Self((0..CLIENTS).map(client).collect())
    }

    /// Waits until so many further calls were answered, and a change among them.
    fn wait_for_calls(&self, count: usize) {
        let answered =
            || -> Vec<usize> { self.0.iter().map(|client| client.so_far().0.lines().count()).collect() };
        let before = answered();
        wait_for("calls that are answered", WAY_LIMIT, || {
            let now = answered();
            now.iter().sum::<usize>() >= before.iter().sum::<usize>() + count && now[0] > before[0]
        });
    }

    #[track_caller]
    fn end(self, host: &Host) -> Calls {
        host.root(["touch", "/tmp/enough"]).run().ok();
        let said: String = self.0.into_iter().map(|client| client.finish().ok().stdout()).collect();
        host.root(["rm", "/tmp/enough"]).run().ok();
        let failed = said.lines().filter(|line| line.contains("failed: ")).map(str::to_owned).collect();
        Calls { all: said.lines().map(|line| Call::read(line).unwrap()).collect(), failed }
    }
}

/// A call that was answered.
#[derive(Debug)]
struct Call {
    is_change: bool,
    mib: u64,
    at: u64,
    millis: u64,
}

impl Call {
    /// Reads a line of [`CALLS`].
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut next = || words.next();
        Some(Self {
            is_change: next()? == "change",
            mib: next()?.parse().ok()?,
            at: next()?.parse().ok()?,
            millis: next()?.parse().ok()?,
        })
    }
}

/// What came of all calls.
struct Calls {
    all: Vec<Call>,
    failed: Vec<String>,
}

impl Calls {
    /// Those that were on their way at a time that counts.
    fn within(&self, counts: impl Fn(u64) -> bool) -> Stalls {
        let calls: Vec<&Call> =
            self.all.iter().filter(|call| counts(call.at) || counts(call.at + call.millis)).collect();
        let longest = |is_change| {
            let of_kind = calls.iter().filter(|call| call.is_change == is_change);
            of_kind.map(|call| call.millis).max().unwrap_or_default()
        };
        Stalls { count: calls.len(), read: longest(false), change: longest(true) }
    }

    /// How much memory the last change asked for, in MiB.
    fn last_change(&self) -> u64 {
        let last = self.all.iter().filter(|call| call.is_change).max_by_key(|call| call.at);
        last.unwrap().mib
    }
}

/// How long the longest calls took, in milliseconds.
struct Stalls {
    count: usize,
    read: u64,
    change: u64,
}

impl fmt::Display for Stalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, read, change } = self;
        write!(f, "{count} calls, the longest read {read} ms, the longest change {change} ms")
    }
}
