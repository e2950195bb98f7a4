//! An update that something ends in the middle: one whole release, and the machine, whatever it was.

use smoke::{FIRST, Host, NEXT, on_service, wait::wait_for};

use super::lived::{LIBRARY, LIMIT, Lived, SMALL};

/// Puts a program in the place of another, whole, that fails whatever it is asked; what was there lies beside it.
const BREAK: &str = "set -e
    cp -p \"$1\" \"$1.good\"
    printf '#!/bin/sh\\nexit 1\\n' >\"$1.bad\"
    chmod 755 \"$1.bad\"
    mv \"$1.bad\" \"$1\"";

/// Whose processes are killed, the units that they are in, and how long a trial lasts, in seconds: what a busy host may
/// need to see it, where it is not over with the kill.
const KILLED: [(&str, &[&str], &str); 2] = [
    ("driver", &["banger-update.service"], "3"),
    ("services", &["bangerd.service", "bangerd-root.service"], "10"),
];

#[test]
fn update_that_is_interrupted_leaves_one_whole_release() {
    on_service(|host| {
        let lived = Lived::begin(host);
        lived.releases.offer(NEXT, |_| ());
        host.also("update_refuses_in_flight", || {
            let creating = host.banger(["vm", "create", "--name", "two"]).args(SMALL).start();
            wait_for("the second machine's record", LIMIT, || host.names().contains(&"two".to_owned()));
            let said = lived.update([]).run().exits(3).stderr();
            assert!(said.contains("operations are in flight: vm create two"), "{said}");
            let waiting = lived.update(["--wait", "3m", "--trial-seconds", "20"]).start();
            drop(creating.finish().ok());
            lived.wait_for_event("declared");
            let said = lived.update(["--force"]).run().exits(3).stderr();
            assert!(said.contains("another update is under way"), "{said}");
            drop(waiting.finish().ok());
            lived.assert_whole(NEXT, "an update that waited");
            lived.assert_machine_lives("an update that waited");
            host.banger(["vm", "delete", "two"]).run().ok();
        });
        host.also("update_after_terminal_closed", || {
            lived.begin_again();
            let running = lived.update(["--trial-seconds", "3"]).start();
            lived.wait_for_event("switched");
            host.root(["sh", "-c", "kill -9 $(pgrep -f '[b]anger update --manifest-url' | head -n 1)"]).run();
            drop(running);
            assert_eq!(lived.wait_for_end(), NEXT);
            lived.assert_whole(NEXT, "a closed terminal");
            lived.assert_machine_lives("a closed terminal");
        });
        host.also("update_old_driver_bug_does_not_matter", || old_driver_bug(host, &lived));
        for (who, units, seconds) in KILLED {
            for event in ["declared", "switched", "restarted"] {
                host.also(&format!("update_{who}_killed_when_{event}"), || {
                    lived.begin_again();
                    let running = lived.update(["--force", "--trial-seconds", seconds]).start();
                    lived.wait_for_event(event);
                    host.systemctl(["kill", "-s", "KILL", "--kill-whom=main"]).args(units).run();
                    drop(running.finish());
                    let end = lived.wait_for_end();
                    lived.assert_whole(&end, event);
                    lived.assert_machine_lives(event);
                    host.note(format!("killed when {event}: {end}"));
                });
            }
        }
        host.also("update_power_cut", || {
            lived.begin_again();
            let running = lived.update(["--force", "--trial-seconds", "30"]).start();
            lived.wait_for_event("restarted");
            host.power_cut();
            drop(running);
            let end = lived.wait_for_end();
            lived.assert_whole(&end, "a power cut");
            host.note(format!("power cut on trial: {end}"));
        });
        host.banger(["vm", "delete", "one"]).run().ok();
    });
}

/// From the switch on the next release's driver has it in hand: whatever is wrong with the one before.
fn old_driver_bug(host: &Host, lived: &Lived<'_>) {
    lived.begin_again();
    let old = format!("{LIBRARY}/releases/{FIRST}/banger");
    let running = lived.update(["--trial-seconds", "10"]).start();
    lived.wait_for_event("switched");
    host.root(["sh", "-c", BREAK, "sh", &old]).run().ok();
    host.root([&old, "version"]).run().exits(1);
    let output = running.finish();
    host.root(["mv", &format!("{old}.good"), &old]).run().ok();
    output.ok();
    lived.assert_whole(NEXT, "an old driver that is broken");
    lived.assert_machine_lives("an old driver that is broken");
}
