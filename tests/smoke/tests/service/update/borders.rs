//! What an update meets at its borders: units that change, a release that cannot say what it is, a guest that ends itself,
//! work that does not end, a database that is migrated, a way back that fails.

use std::{path::Path, time::Duration};

use smoke::{FIRST, Host, NEXT, Releases, on_service, script};

use super::{
    bad::{daemon_that, instead_of_banger, with_units},
    lived::{LIBRARY, Lived, RECORD, SMALL, UPDATES},
    refused::refuses,
};
use crate::system::monitor_unit;

#[test]
fn update_at_its_borders() {
    on_service(|host| {
        let mut lived = Lived::begin(host);
        host.also("update_changes_units", || changes_units(host, &mut lived));
        host.also("update_to_one_that_says_rubbish", || says_rubbish(host, &mut lived));
        lived.releases = Releases::serve(host);
        lived.releases.offer(NEXT, |_| ());
        host.also("update_guest_ends_itself", || guest_ends_itself(host, &lived));
        host.also("update_force_cancels", || force_cancels(host, &lived));
        host.also("update_database_restored", || database_restored(host, &mut lived));
        host.also("update_rollback_fails_too", || rollback_fails_too(host, &mut lived));
        host.banger(["vm", "delete", "one"]).run().ok();
    });
}

/// Units that are no others than these, as systemd has read them.
fn unit(host: &Host, property: &str, name: &str) -> String {
    host.systemctl(["show", "--value", "--property", property, name]).run().ok().stdout().trim().to_owned()
}

/// A release that writes one unit differently and one more.
fn with_other_units(dir: &Path) {
    with_units(
        dir,
        "sed -i 's/^Environment=PATH=/Environment=SINCE=next\\n&/' bangerd.service
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >banger-more.service",
    );
}

fn changes_units(host: &Host, lived: &mut Lived<'_>) {
    lived.releases = Releases::serve(host);
    lived.releases.offer(NEXT, with_other_units);
    let links = "/etc/systemd/system/banger-more.service /etc/systemd/system/multi-user.target.wants/banger-more.service";
    let linked =
        || host.root(["sh", "-c", &format!("ls {links} 2>/dev/null")]).run().stdout().lines().count();
    lived.update([]).run().ok();
    lived.assert_whole(NEXT, "a release with other units");
    assert!(unit(host, "Environment", "bangerd.service").contains("SINCE=next"));
    assert_eq!((linked(), unit(host, "LoadState", "banger-more.service").as_str()), (2, "loaded"));
    host.systemctl(["start", "banger-more.service"]).run().ok();

    lived.update(["--rollback"]).run().ok();
    lived.assert_whole("v0.1.0", "back from a release with other units");
    assert!(!unit(host, "Environment", "bangerd.service").contains("SINCE=next"));
    assert_eq!((linked(), unit(host, "LoadState", "banger-more.service").as_str()), (0, "not-found"));
    lived.assert_machine_lives("units that changed");
}

/// What is kept and then cannot say what it is, is kept all the same: the record has its version, and what it had else.
fn says_rubbish(host: &Host, lived: &mut Lived<'_>) {
    lived.releases = Releases::serve(host);
    lived.releases.offer(NEXT, |dir| {
        let is_kept = format!("grep -qs '\"passed\"' {UPDATES}/journal");
        let text =
            format!("[ \"$1\" != version ] || ! {is_kept} || exec echo rubbish\nexec \"$itself\" \"$@\"\n");
        instead_of_banger(dir, &text);
    });
    let before = host.file(RECORD).unwrap();
    let output = lived.update([]).run().ok();
    let warning = "warning: install.toml keeps the commit of the release before: ";
    assert!(output.stderr().contains(warning), "{}", output.stderr());
    assert!(output.stdout().ends_with(&format!("updated: {FIRST} -> {NEXT}\n")), "{}", output.stdout());
    lived.assert_whole(NEXT, "a release that says rubbish");
    assert_eq!(host.file(RECORD).unwrap(), before.replace(FIRST, NEXT));

    lived.update(["--rollback"]).run().ok();
    lived.assert_whole(FIRST, "back from a release that says rubbish");
    assert_eq!(host.file(RECORD).unwrap(), before);
    lived.assert_machine_lives("a release that says rubbish");
}

/// A guest that powers itself off while the next release is on trial says nothing against it.
fn guest_ends_itself(host: &Host, lived: &Lived<'_>) {
    host.banger(["vm", "create", "--name", "two"]).args(SMALL).run().ok();
    let running = lived.update(["--trial-seconds", "20"]).start();
    lived.wait_for_event("restarted");
    // Its end is the end of the session that asks for it, too.
    host.sh("two", "echo o >/proc/sysrq-trigger; sleep 60").run();
    let said = running.finish().ok().stderr();
    assert!(said.contains("two ended by itself meanwhile"), "{said}");
    lived.assert_whole(NEXT, "a guest that ended itself");
    assert_eq!(host.vm("two")["state"], "stopped");
    lived.assert_machine_lives("a guest that ended itself");
    host.banger(["vm", "delete", "two"]).run().ok();
    lived.update(["--rollback"]).run().ok();
}

/// An archive that answers whoever asks by a byte each second, for days.
const SLOW_ARCHIVE: &str = r#"use IO::Socket::INET;
$| = 1;
my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die $!;
print $socket->sockport, "\n";
while (my $client = $socket->accept) {
    print "asked\n";
    next if fork;
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    while (print $client "x") { $client->flush; sleep 1 }
    exit
}"#;
/// How long an operation has to end by itself where an update is forced.
const GRACE: Duration = Duration::from_secs(5);

/// How long an update waits that is told to, and that then gives up.
const PATIENCE: (&str, Duration) = ("2s", Duration::from_secs(2));

/// What does not end by itself is waited for as long as is said, or is cancelled, and named.
fn force_cancels(host: &Host, lived: &Lived<'_>) {
    let mut archive = host.program("/usr/bin/perl").args(["-e", SLOW_ARCHIVE]).start();
    archive.wait_for_text("\n");
    let port = archive.so_far().0.trim().to_owned();
    let sources = format!("deb http://127.0.0.1:{port}/debian bookworm main\n");
    host.root(["sh", "-c", "cat >/etc/apt/sources.list"]).stdin(sources).run().ok();
    let pull = ["kernel", "pull", "--suite", "bookworm", "--name", "slow"];
    let pulling = host.banger(pull).limit(Duration::from_mins(10)).start();
    archive.wait_for_text("asked");

    let (wait, limit) = PATIENCE;
    let in_flight = "operations are in flight: kernel pull slow (op-";
    let waited = refuses(host, &lived.releases, &["--wait", wait], 3, in_flight);
    assert!(waited.took >= limit, "{:?}", waited.took);
    let output = lived.update(["--force"]).run().ok();
    assert!(output.stderr().contains("cancelled: kernel pull slow (op-"), "{}", output.stderr());
    assert!(output.took >= GRACE, "{:?}", output.took);
    let told = pulling.finish().exits(1).stderr();
    assert!(told.contains("cancelled"), "{told}");
    lived.assert_whole(NEXT, "an operation that was cancelled");
    lived.assert_machine_lives("an operation that was cancelled");
    assert!(!host.banger(["kernel", "list"]).run().ok().stdout().contains("slow"));
    assert_eq!(host.root(["pgrep", "-l", "apt"]).run().stdout(), "");
    host.root(["rm", "/etc/apt/sources.list"]).run().ok();
    lived.update(["--rollback"]).run().ok();
}

/// A daemon that says that it migrates the database, does so, keeps what came of it, and does not start.
const MIGRATES: &str = "#!/bin/sh
case \"$*\" in *--check-migrations*) echo 'will migrate: the database becomes one of version 99'; exit 1 ;; esac
printf '\\000\\000\\000\\143' | dd of=/var/lib/banger/state.db bs=1 seek=60 conv=notrunc 2>/dev/null
cp /var/lib/banger/state.db /var/lib/banger/migrated.db
exit 1
";

fn database_restored(host: &Host, lived: &mut Lived<'_>) {
    host.banger(["vm", "create", "--name", "last", "--no-start", "--vcpu", "1"]).args(SMALL).run().ok();
    lived.releases = Releases::serve(host);
    lived.releases.offer(NEXT, |dir| script(&dir.join("bangerd"), MIGRATES));
    let said = lived.update(["--force"]).run().exits(1).stderr();
    assert!(said.contains("(rolled back to previous install)"), "{said}");
    lived.assert_whole("v0.1.0", "a database that was migrated");
    lived.assert_machine_lives("a database that was migrated");
    // What the next release left was one that the old one does not read.
    let version = "dd if=/var/lib/banger/migrated.db bs=1 skip=63 count=1 2>/dev/null | od -An -tu1";
    assert_eq!(host.root(["sh", "-c", version]).run().ok().stdout().trim(), "99");
    host.root(["rm", "/var/lib/banger/migrated.db"]).run().ok();
    assert_eq!(host.vm("last")["spec"]["vcpus"], 1, "the last record before the update");
    host.banger(["vm", "delete", "last"]).run().ok();
}

/// Neither way leads to a whole release: what is said has all that is needed, and the next attempt does the rest.
fn rollback_fails_too(host: &Host, lived: &mut Lived<'_>) {
    let monitor = monitor_unit(host, "one");
    lived.releases = Releases::serve(host);
    lived.releases.offer(NEXT, |dir| script(&dir.join("bangerd"), &daemon_that("exec sleep 600")));
    let running = lived.update(["--force"]).start();
    lived.wait_for_event("switched");
    let (daemon, away) = (format!("{LIBRARY}/releases/v0.1.0/bangerd"), "/root/bangerd");
    host.root(["mv", &daemon, away]).run().ok();

    let stuck = [
        "restart: ",
        &format!("put the database back: {daemon} cannot be run: No such file or directory"),
        "current names releases/v0.1.0",
        &format!("the journal is {UPDATES}/journal"),
        "`sudo banger update --resume` tries again",
        "journalctl -u bangerd",
    ];
    let resume = || host.root(["banger", "update", "--resume"]).run();
    let first = running.finish().exits(1).stderr();
    for said in [first, resume().exits(1).stderr()] {
        for part in stuck {
            assert!(said.contains(part), "{part:?} is not in: {said}");
        }
    }
    let again = lived.update(["--force"]).run().exits(3).stderr();
    assert!(again.contains("an update that was begun is not over"), "{again}");
    // Nobody is at it, and so nobody else waits.
    let refused = host.banger(["vm", "list"]).run().exits(5).stderr();
    assert!(refused.contains("`sudo banger update --resume` tries again"), "{refused}");
    assert!(!refused.contains("waiting: "), "{refused}");
    assert_eq!(host.systemctl(["is-active", &monitor]).run().ok().stdout(), "active\n");

    host.root(["mv", away, &daemon]).run().ok();
    resume().ok();
    lived.assert_whole("v0.1.0", "a way back that failed");
    lived.assert_machine_lives("a way back that failed");
    let again = lived.update([]).run().exits(3).stderr();
    assert!(again.contains("was tried here and went back"), "{again}");
}
