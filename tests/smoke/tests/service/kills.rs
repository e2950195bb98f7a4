//! Daemon and helper, killed at random moments while machines come and go: nothing is left that no machine owns.

use std::{
    env, thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use smoke::{Host, Running, Traces, on_service, wait::wait_for};

use crate::{
    bystander::Bystander,
    system::{install, uninstall},
};

const KILLS_DEFAULT: u64 = 6;
/// The longest time between two kills: a boot is within it, and so are stops, deletions and what the next daemon
/// does first.
const PAUSE_MILLIS_MAX: u64 = 6000;
const SETTLED_LIMIT: Duration = Duration::from_mins(2);

/// Machines that come and go until it is enough. What a command comes to is written down; where a kill made it fail,
/// the next one works on with what there is.
const LOAD: &str = "n=0
    say() {
        \"$@\" >/dev/null 2>/tmp/load-$w.err && return
        echo \"$? $(tr '\\n' ' ' </tmp/load-$w.err)\"
    }
    w=$1
    while [ ! -e /tmp/enough ]; do
        n=$((n + 1)) vm=$w-$n
        if [ $w = quick ]; then
            say banger vm create --name $vm --image debian-small --no-start
        else
            say banger vm create --name $vm --image debian-small --memory 384M
            say banger vm stop $vm
            say banger vm start $vm
        fi
        say banger vm delete $vm
    done
    rm /tmp/load-$w.err
    echo $n rounds";

/// The next of a row of numbers that the seed decides.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn from_env(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap())
}

#[test]
fn random_kills_leave_nothing() {
    on_service(|host| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let seed = from_env("BANGER_SMOKE_SEED").unwrap_or(now);
        let kills = from_env("BANGER_SMOKE_KILLS").unwrap_or(KILLS_DEFAULT);
        host.note(format!("BANGER_SMOKE_KILLS={kills} BANGER_SMOKE_SEED={seed}"));
        install(host);
        host.banger(["vm", "list"]).run().ok();
        host.systemctl(["start", "bangerd-root.service"]).run().ok();
        let stays = Bystander::boot(host, "stays");
        let before = host.traces();
        let loads = ["slow", "quick"].map(|load| {
            host.program("/bin/sh").args(["-c", LOAD, "sh", load]).limit(Duration::from_mins(14)).start()
        });
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for _ in 0..kills {
            wait_a_moment(next(&mut state) % PAUSE_MILLIS_MAX);
            let units: &[&str] = match next(&mut state) % 3 {
                0 => &["bangerd.service"],
                1 => &["bangerd-root.service"],
                _ => &["bangerd.service", "bangerd-root.service"],
            };
            host.systemctl(["kill", "--kill-whom=main", "-s", "KILL"]).args(units).run();
        }
        host.root(["touch", "/tmp/enough"]).run().ok();
        for load in loads {
            assert_ended_well(host, load);
        }
        host.root(["rm", "/tmp/enough"]).run().ok();
        stays.assert_lives("the kills");
        assert_settles(host);
        let doctor = host.banger(["doctor"]).run().ok().stdout();
        assert!(!doctor.contains("FAIL"), "{doctor}");
        let mut names = host.names();
        names.retain(|name| name != "stays");
        host.note(format!("kept with what they were at: {}", names.len()));
        for name in &names {
            host.delete(name);
        }
        assert_settles(host);
        assert_eq!(since(host, &before), [""; 0]);
        host.delete("stays");
        assert_settles(host);
        uninstall(host);
    });
}

/// What there is now and was not before, and the other way round, but for what is as long as it happens to be: what
/// the services write in any case, and the files of the machine that runs.
#[track_caller]
fn since(host: &Host, before: &Traces) -> Vec<String> {
    let stays = host.vm("stays")["id"].as_str().unwrap().to_owned();
    let written =
        ["state.db", "replies.jsonl", "leases.json", "network.json", "bangerd.lock", "kvm.json", &stays];
    let is_written = |line: &String| written.iter().any(|part| line.contains(part));
    host.traces().since(before).into_iter().filter(|line| !is_written(line)).collect()
}

fn wait_a_moment(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

/// Whatever came of a command, it was said in words, and nothing was a bug.
#[track_caller]
fn assert_ended_well(host: &Host, load: Running) {
    let said = load.finish().ok().stdout();
    let mut failed = 0;
    for line in said.lines().filter(|line| line.contains("banger: ")) {
        println!("{line}");
        assert!(["1 ", "3 ", "5 "].iter().any(|code| line.starts_with(code)), "{line}");
        assert!(!line.contains("os error") && !line.contains("panicked"), "{line}");
        failed += 1;
    }
    host.note(format!("{}, {failed} commands that failed", said.lines().last().unwrap_or_default()));
}

/// That what was interrupted comes to an end, and leaves nothing that no machine owns.
#[track_caller]
fn assert_settles(host: &Host) {
    let mut found = vec![];
    wait_for("nothing that nobody owns", SETTLED_LIMIT, || {
        let now = host.owned_by_nobody();
        if now != found {
            println!("owned by nobody: {now:#?}");
        }
        found = now;
        found.is_empty()
    });
}
