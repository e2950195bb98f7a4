//! A good release and bad ones: each ends with one whole release, and the machine that ran runs.

use std::{mem, path::Path, process::Command, time::Instant};

use smoke::{FIRST, Host, NEXT, NEXT_BUILT_AT, NEXT_COMMIT, Releases, on_service};

use super::{
    bad::BAD,
    lived::{LIBRARY, Lived, RECORD},
    refused::refuses,
};
use crate::{doctor::verdict, system::uninstall};

/// A release after the next one.
const LATER: &str = "v0.1.2";

#[test]
fn update_keeps_vm_alive() {
    on_service(|host| {
        let before = host.traces();
        let mut lived = Lived::begin(host);
        host.also("update_repair", || repair(host, &lived));
        lived.releases = Releases::serve(host);
        lived.releases.offer(NEXT, |_| ());
        let check = lived.update(["--check"]).run().ok();
        assert_eq!(check.stdout(), format!("update available: {NEXT} (installed: v0.1.0)\n"));

        let output = lived.update([]).run().ok();
        assert!(output.stdout().ends_with(&format!("updated: v0.1.0 -> {NEXT}\n")), "{}", output.stdout());
        lived.assert_machine_lives("an update");
        lived.assert_whole(NEXT, "an update");
        let record = host.file(RECORD).unwrap();
        assert!(record.contains(&format!("commit = \"{NEXT_COMMIT}\"\n")), "{record}");
        assert!(record.contains(&format!("built_at = \"{NEXT_BUILT_AT}\"\n")), "{record}");
        record_drifts(host);
        assert_eq!(lived.update(["--check"]).run().ok().stdout(), format!("up to date: {NEXT}\n"));

        let output = lived.update(["--rollback"]).run().ok();
        assert!(output.stdout().ends_with(&format!("updated: {NEXT} -> v0.1.0\n")), "{}", output.stdout());
        lived.assert_machine_lives("the way back to the release before");
        lived.assert_whole("v0.1.0", "the way back to the release before");

        host.also("update_third_release", || third_release(host, &mut lived));
        host.banger(["vm", "delete", "one"]).run().ok();
        host.also("update_leaves_one_release_before", || {
            lived.update(["--rollback"]).run().ok();
            lived.assert_whole(LATER, "no machine any more");
            assert_eq!(releases(host), [NEXT, LATER], "nobody runs anything of the first one");
        });
        uninstall(host);
        assert_eq!(host.traces().since(&before), [""; 0]);
    });
}

/// The release that runs is the one that is installed and recorded. A record that says another is told as a warning.
fn record_drifts(host: &Host) {
    let told = || host.banger(["doctor", "--json"]).run().ok().json();
    let well = told();
    for name in ["version", "files", "units", "layout"] {
        assert_eq!(verdict(&well, name), "pass", "{name}: {well:#}");
    }
    let record = |version: &str| {
        let edit = format!("s/^version = .*/version = \"{version}\"/");
        host.root(["sed", "-i", &edit, RECORD]).run().ok();
    };
    record("v0.0.9");
    let drifted = told();
    record(NEXT);
    assert_eq!(verdict(&drifted, "version"), "warn", "{drifted:#}");
    assert!(drifted.to_string().contains("this program is v0.1.1, and v0.0.9 is installed"), "{drifted:#}");
}

/// Adds to a file, and puts it in the place of what it was.
const CHANGE: &str = "set -e; cp -p \"$1\" \"$1.new\"; echo changed >>\"$1.new\"; mv \"$1.new\" \"$1\"";

/// What somebody changed of the installed release is told, and not gone over; the signed release mends it. The machine's
/// link runs what was changed before that.
fn repair(host: &Host, lived: &Lived<'_>) {
    lived.releases.offer_first();
    let agent = format!("{LIBRARY}/releases/{FIRST}/banger-vsock-agent");
    host.root(["sh", "-c", CHANGE, "sh", &agent]).run().ok();
    let check = || host.banger(["update", "--check"]).args(&lived.releases.words()[..2]).run().ok().stdout();
    let changed = format!("{FIRST} is installed, and its files were changed: sudo banger update --repair\n");
    assert_eq!(check(), changed);
    refuses(host, &lived.releases, &[], 3, &format!("discover: files of {FIRST} were changed"));
    let said = lived.update(["--repair"]).run().ok().stdout();
    assert_eq!(said, format!("repaired: {FIRST}\n"));
    lived.assert_whole(FIRST, "a repair");
    lived.assert_machine_lives("a repair");
    assert_eq!(check(), format!("up to date: {FIRST}\n"));
}

/// Has the next release's programs call themselves by the name of the one after it. It is as long.
fn renamed(dir: &Path) {
    let mut sed = Command::new("sed");
    // Bytes that are no text are left as they are.
    sed.env("LC_ALL", "C").args(["-i", &format!("s/{NEXT}/{LATER}/g")]);
    for name in ["banger", "bangerd", "bangerd-root", "banger-vsock-agent"] {
        sed.arg(dir.join(name));
    }
    assert!(sed.status().unwrap().success());
}

/// The releases that lie on the host.
fn releases(host: &Host) -> Vec<String> {
    let listed = host.root(["ls", &format!("{LIBRARY}/releases")]).run().ok().stdout();
    listed.lines().map(str::to_owned).collect()
}

/// What is neither side of an update, nor the release before, nor run by a machine, goes. Down is gone where it is said.
fn third_release(host: &Host, lived: &mut Lived<'_>) {
    assert_eq!(releases(host), [FIRST, NEXT]);
    let later = Releases::serve(host);
    later.offer(LATER, renamed);
    let next = mem::replace(&mut lived.releases, later);
    lived.update([]).run().ok();
    lived.assert_whole(LATER, "a third release");
    lived.assert_machine_lives("a third release");
    assert_eq!(releases(host), [FIRST, LATER]);

    lived.releases = next;
    let said = refuses(host, &lived.releases, &[], 3, "discover: v0.1.1 is older than v0.1.2").stderr();
    assert!(said.contains("To go down: sudo banger update --to v0.1.1"), "{said}");
    let down =
        "going down: v0.1.1 is older than v0.1.2, which is installed: sudo banger update --to v0.1.1\n";
    assert_eq!(lived.update(["--check"]).run().ok().stdout(), down);
    let dry = lived.update(["--to", NEXT, "--dry-run"]).run().ok();
    assert!(dry.stderr().contains("going down from v0.1.2 to v0.1.1"), "{}", dry.stderr());
    let would = "would update v0.1.2 to v0.1.1; it is staged, and nothing was changed\n";
    assert_eq!(dry.stdout(), would);
    lived.update(["--to", NEXT]).run().ok();
    lived.assert_whole(NEXT, "going down");
    lived.assert_machine_lives("going down");
    assert_eq!(releases(host), [FIRST, NEXT, LATER], "the machine's units name the first one");
}

#[test]
fn update_rollback_keeps_vm_alive() {
    on_service(|host| {
        let mut lived = Lived::begin(host);
        for (what, why, spoil) in BAD {
            host.also(what, || {
                lived.releases = Releases::serve(host);
                lived.releases.offer(NEXT, |dir| spoil(host, dir));
                // None lasts as long, however busy the host is.
                let mut running = lived.update(["--force", "--trial-seconds", "20"]).start();
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
