//! A good release and bad ones: each ends with one whole release, and the machine that ran runs.

use std::{fs, path::Path, time::Instant};

use smoke::{NEXT, NEXT_BUILT_AT, NEXT_COMMIT, Releases, on_service, script};

use super::lived::Lived;
use crate::system::uninstall;

#[test]
fn update_keeps_vm_alive() {
    on_service(|host| {
        let before = host.traces();
        let lived = Lived::begin(host);
        lived.releases.offer(NEXT, |_| ());
        let check = lived.update(["--check"]).run().ok();
        assert_eq!(check.stdout(), format!("update available: {NEXT} (installed: v0.1.0)\n"));

        let output = lived.update([]).run().ok();
        assert!(output.stdout().ends_with(&format!("updated: v0.1.0 -> {NEXT}\n")), "{}", output.stdout());
        lived.assert_machine_lives("an update");
        lived.assert_whole(NEXT, "an update");
        let record = host.file("/etc/banger/install.toml").unwrap();
        assert!(record.contains(&format!("commit = \"{NEXT_COMMIT}\"\n")), "{record}");
        assert!(record.contains(&format!("built_at = \"{NEXT_BUILT_AT}\"\n")), "{record}");
        let doctor = host.banger(["doctor"]).run().ok().stdout();
        assert!(!doctor.contains("FAIL") && !doctor.contains("drift"), "{doctor}");
        assert_eq!(lived.update(["--check"]).run().ok().stdout(), format!("up to date: {NEXT}\n"));

        let output = lived.update(["--rollback"]).run().ok();
        assert!(output.stdout().ends_with(&format!("updated: {NEXT} -> v0.1.0\n")), "{}", output.stdout());
        lived.assert_machine_lives("the way back to the release before");
        lived.assert_whole("v0.1.0", "the way back to the release before");

        host.banger(["vm", "delete", "one"]).run().ok();
        uninstall(host);
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

/// A daemon that passes its check and then does this.
pub(super) fn daemon_that(does: &str) -> String {
    format!(
        "#!/bin/sh\ncase \"$*\" in *--check-migrations*) echo 'compatible: it says so'; exit 0;; esac\n{does}\n"
    )
}

/// What makes a bad release of a good one, in the directory of its programs.
type Spoil = fn(&Path);

const BAD: [(&str, &str, Spoil); 7] = [
    ("a daemon that exits at once", "restart: ", |dir| script(&dir.join("bangerd"), &daemon_that("exit 1"))),
    ("a helper that exits at once", "restart: ", |dir| {
        script(&dir.join("bangerd-root"), "#!/bin/sh\nexit 1\n");
    }),
    ("a daemon that is never ready", "restart: ", |dir| {
        script(&dir.join("bangerd"), &daemon_that("exec sleep 600"));
    }),
    ("a daemon that removes the database", "restart: ", |dir| {
        script(
            &dir.join("bangerd"),
            &daemon_that("rm -f /var/lib/banger/state.db /var/lib/banger/state.db-*; exit 1"),
        );
    }),
    ("a daemon that empties the database", "restart: ", |dir| {
        let does = "rm -f /var/lib/banger/state.db-*; : >/var/lib/banger/state.db; exit 1";
        script(&dir.join("bangerd"), &daemon_that(does));
    }),
    ("an agent of another release, which its doctor sees", "trial: its doctor fails agent", |dir| {
        fs::write(dir.join("banger-vsock-agent"), "no agent").unwrap();
    }),
    ("a driver that ends at once", "resume: the updater ended before it was done", |dir| {
        let program = dir.join("banger");
        fs::rename(&program, dir.join("banger-itself")).unwrap();
        let text =
            "#!/bin/sh\ncase \"$*\" in *--drive*) exit 7;; esac\nexec \"${0%/*}/banger-itself\" \"$@\"\n";
        script(&program, text);
    }),
];

#[test]
fn update_rollback_keeps_vm_alive() {
    on_service(|host| {
        let mut lived = Lived::begin(host);
        for (what, why, spoil) in BAD {
            host.also(what, || {
                lived.releases = Releases::serve(host);
                lived.releases.offer(NEXT, spoil);
                let mut running = lived.update(["--force"]).start();
                running.wait_for_text("it goes back to the previous install");
                let verdict = Instant::now();
                let said = running.finish().exits(1).stderr();
                let took = verdict.elapsed().as_millis();
                host.note(format!("{took} ms from the verdict to the release before"));
                assert!(said.contains("(rolled back to previous install)") && said.contains(why), "{said}");
                lived.assert_machine_lives(what);
                lived.assert_whole("v0.1.0", what);
                let again = lived.update([]).run().exits(3).stderr();
                assert!(again.contains("was tried here and went back"), "{again}");
            });
        }
        host.banger(["vm", "delete", "one"]).run().ok();
    });
}
