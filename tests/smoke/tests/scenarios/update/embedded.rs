//! There, back, and interrupted: each ends with one whole release, and the machine that ran runs.

use std::{fs, path::Path};

use smoke::{FIRST, Host, NEXT, NEXT_COMMIT, Releases, on_plain, script};

use super::own::{Own, halt, kill};

#[test]
fn update_embedded() {
    on_plain(|host| {
        let mut own = Own::begin(host);
        let first = fs::read_dir(own.library.join("releases")).unwrap().count();
        assert_eq!(first, 1);
        own.releases.offer(NEXT, |_| ());
        host.also("update_embedded_refuses", || refuses(host, &own));
        host.also("update_embedded_there_and_back", || there_and_back(&own));
        host.also("update_embedded_interrupted", || interrupted(host, &own));
        host.also("update_embedded_bad_releases", || bad_releases(host, &mut own));
        own.banger(["vm", "delete", "one"]).run().ok();
    });
}

/// What ends before the declaration changes nothing.
fn refuses(host: &Host, own: &Own<'_>) {
    let disk = || {
        let script = "cd \"$1\" && find . -not -path './releases/v0.1.1*' \\( -type l -printf '%p -> %l\\n' -o -type f \
                      -exec sha256sum {} + \\) | sort";
        host.program("sh").args(["-c", script, "sh"]).args([&own.library]).run().ok().stdout()
    };
    let before = disk();
    let checked = own.update(["--check"]).run().ok().stdout();
    assert_eq!(checked, format!("update available: {NEXT} (installed: {FIRST})\n"));
    // A copy that no install put there.
    let said = host.banger(["update"]).args(own.releases.words()).run().exits(3).stderr();
    assert!(said.contains("and v0.1.0 is installed in"), "{said}");
    let said = own.update(["--rollback"]).run().exits(3).stderr();
    assert!(said.contains("there is no release before this one"), "{said}");
    let said = own.update(["--to", "v9.9.9"]).run().exits(1).stderr();
    assert!(said.contains(NEXT), "{said}");
    let said = own.update(["--dry-run"]).run().ok().stdout();
    assert_eq!(said, format!("would update {FIRST} to {NEXT}; it is staged, and nothing was changed\n"));
    assert_eq!(disk(), before);
    own.assert_whole(FIRST, "what was refused");
    own.assert_machine_lives("what was refused");
}

fn there_and_back(own: &Own<'_>) {
    let said = own.update(["--json"]).run().ok().stdout();
    assert!(said.contains("\"status\":\"updated\""), "{said}");
    own.assert_whole(NEXT, "an update");
    own.assert_machine_lives("an update");
    let record = fs::read_to_string(own.library.join("install.toml")).unwrap();
    assert!(record.contains(&format!("commit = \"{NEXT_COMMIT}\"\n")), "{record}");
    assert_eq!(own.update(["--check"]).run().ok().stdout(), format!("up to date: {NEXT}\n"));
    own.update(["--repair"]).run().ok();
    own.assert_whole(NEXT, "a repair");
    let said = own.update(["--rollback"]).run().ok().stdout();
    assert!(said.ends_with(&format!("updated: {NEXT} -> {FIRST}\n")), "{said}");
    own.assert_whole(FIRST, "the way back to the release before");
    own.assert_machine_lives("the way back to the release before");
}

/// Whoever is killed, the other goes on; where both are, the next command does. A trial lasts longer than a busy host may
/// need to find the drivers.
fn interrupted(host: &Host, own: &Own<'_>) {
    let begin = |seconds| {
        let running = own.update(["--force", "--trial-seconds", seconds]).start();
        own.wait_for_event("restarted");
        (running, own.wait_for_both_drivers())
    };
    host.also("update_embedded_command_killed", || {
        let (running, _) = begin("20");
        kill(running.pid().cast_signed());
        own.wait_for_end();
        own.assert_whole(NEXT, "a command that was killed");
        own.update(["--rollback"]).run().ok();
    });
    host.also("update_embedded_watcher_killed", || {
        let (running, drivers) = begin("20");
        kill(drivers[0]);
        own.wait_for_end();
        drop(running.finish());
        own.assert_whole(NEXT, "a watcher that was killed");
        own.update(["--rollback"]).run().ok();
    });
    host.also("update_embedded_driver_killed", || {
        let (running, drivers) = begin("60");
        kill(drivers[1]);
        let said = running.finish().exits(1).stderr();
        assert!(
            said.contains("the updater ended before it was done (rolled back to previous install)"),
            "{said}"
        );
        own.assert_whole(FIRST, "a driver that was killed");
    });
    host.also("update_embedded_both_killed", || {
        let (running, drivers) = begin("60");
        // The doctor that a driver runs outlives it, and could be the next command itself.
        drivers.iter().copied().for_each(halt);
        own.wait_for_end_of_doctor();
        drivers.into_iter().for_each(kill);
        drop(running.finish().exits(1));
        own.wait_for_nobody();
        let said = own.banger(["ps"]).run().ok().stderr();
        assert!(said.contains("an update was interrupted; it is brought to an end first"), "{said}");
        own.assert_whole(FIRST, "the next command");
    });
    own.assert_machine_lives("interruptions");
}

/// A daemon that passes its check and then does this.
fn daemon_that(does: &str) -> String {
    format!(
        "#!/bin/sh\ncase \"$*\" in *--check-migrations*) echo 'compatible: it says so'; exit 0;; esac\n{does}\n"
    )
}

/// What makes a bad release of a good one, in the directory of its programs.
type Spoil = fn(&Path);

const BAD: [(&str, &str, Spoil); 5] = [
    ("a daemon that exits at once, as a user's own", "restart: ", |dir| {
        script(&dir.join("bangerd"), &daemon_that("exit 1"));
    }),
    ("a daemon that is never ready, as a user's own", "restart: ", |dir| {
        script(&dir.join("bangerd"), &daemon_that("exec sleep 600"));
    }),
    ("a daemon that empties the database, as a user's own", "restart: ", |dir| {
        let does = "cd \"$XDG_STATE_HOME/banger\" && rm -f state.db-* && : >state.db; exit 1";
        script(&dir.join("bangerd"), &daemon_that(does));
    }),
    ("an agent of another release, as a user's own", "trial: its doctor fails agent", |dir| {
        fs::write(dir.join("banger-vsock-agent"), "no agent").unwrap();
    }),
    ("a driver that ends at once, as a user's own", "resume: the updater ended before it was done", |dir| {
        let program = dir.join("banger");
        fs::rename(&program, dir.join("banger-itself")).unwrap();
        let text =
            "#!/bin/sh\ncase \"$*\" in *--drive*) exit 7;; esac\nexec \"${0%/*}/banger-itself\" \"$@\"\n";
        script(&program, text);
    }),
];

fn bad_releases(host: &Host, own: &mut Own<'_>) {
    for (what, why, spoil) in BAD {
        host.also(what, || {
            own.releases = Releases::serve(host);
            own.releases.offer(NEXT, spoil);
            let said = own.update(["--force"]).run().exits(1).stderr();
            assert!(said.contains("(rolled back to previous install)") && said.contains(why), "{said}");
            own.assert_whole(FIRST, what);
            own.assert_machine_lives(what);
            let again = own.update([]).run().exits(3).stderr();
            assert!(again.contains("was tried here and went back"), "{again}");
        });
    }
}
