//! Daemon and helper, killed at random moments while machines come and go: nothing is left that no machine owns.

use std::time::Duration;

use smoke::{Host, Running, Traces, on_service, wait::wait_for};

use crate::{
    bystander::Bystander,
    random::{self, Random},
    system::{install, uninstall},
};

const KILLS_DEFAULT: u64 = 6;
/// The longest time between two kills: a boot is within it, and so are stops, deletions and what the next daemon
/// does first.
const PAUSE_MAX: Duration = Duration::from_secs(6);
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

#[test]
fn random_kills_leave_nothing() {
    on_service(|host| {
        let kills = random::count(host, "BANGER_SMOKE_KILLS", KILLS_DEFAULT);
        let mut random = Random::begin(host);
        install(host);
        host.banger(["vm", "list"]).run().ok();
        host.systemctl(["start", "bangerd-root.service"]).run().ok();
        let stays = Bystander::boot(host, "stays");
        let before = host.traces();
        let loads = ["slow", "quick"].map(|load| {
            host.program("/bin/sh").args(["-c", LOAD, "sh", load]).limit(Duration::from_mins(14)).start()
        });
        for _ in 0..kills {
            random.wait_up_to(PAUSE_MAX);
            let units: &[&str] = match random.below(3) {
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
