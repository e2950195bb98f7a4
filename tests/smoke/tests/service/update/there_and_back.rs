//! A good release and bad ones: each ends with one whole release, and the machine that ran runs.

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
        host.root(["rm", "-f", "/root/release-key.pub"]).run().ok();
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

/// A daemon that passes its check and then does this.
fn daemon_that(does: &str) -> String {
    format!(
        "#!/bin/sh\ncase \"$*\" in *--check-migrations*) echo 'compatible: it says so'; exit 0;; esac\n{does}\n"
    )
}

#[test]
fn update_rollback_keeps_vm_alive() {
    on_service(|host| {
        let mut lived = Lived::begin(host);
        let bad = [
            ("a daemon that exits at once", "bangerd", daemon_that("exit 1"), "restart: "),
            ("a helper that exits at once", "bangerd-root", "#!/bin/sh\nexit 1\n".to_owned(), "restart: "),
            ("a daemon that is never ready", "bangerd", daemon_that("exec sleep 600"), "restart: "),
        ];
        for (what, program, text, why) in bad {
            lived.releases = Releases::serve(host);
            lived.releases.offer(NEXT, |dir| script(&dir.join(program), &text));
            let output = lived.update(["--force"]).run().exits(1);
            let said = output.stderr();
            assert!(
                said.contains("(rolled back to previous install)") && said.contains(why),
                "{what}: {said}"
            );
            lived.assert_machine_lives(what);
            lived.assert_whole("v0.1.0", what);
            let again = lived.update([]).run().exits(3).stderr();
            assert!(again.contains("was tried here and went back"), "{what}: {again}");
        }
        host.banger(["vm", "delete", "one"]).run().ok();
    });
}
