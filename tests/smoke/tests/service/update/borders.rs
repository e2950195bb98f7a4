//! What an update meets at its borders: units that change, and a database that is migrated.

use std::path::Path;

use smoke::{Host, NEXT, Releases, on_service, script, wait::wait_for};

use super::{
    interrupted::LIMIT,
    lived::{Lived, SMALL},
};

#[test]
fn update_at_its_borders() {
    on_service(|host| {
        let mut lived = Lived::begin(host);
        host.also("update_changes_units", || changes_units(host, &mut lived));
        host.also("update_database_restored", || database_restored(host, &mut lived));
        host.banger(["vm", "delete", "one"]).run().ok();
    });
}

/// Units that are no others than these, as systemd has read them.
fn unit(host: &Host, property: &str, name: &str) -> String {
    host.systemctl(["show", "--value", "--property", property, name]).run().ok().stdout().trim().to_owned()
}

/// A release that writes one unit differently and one more.
fn with_other_units(dir: &Path) {
    let program = dir.join("banger");
    std::fs::rename(&program, dir.join("banger-itself")).unwrap();
    script(
        &program,
        "#!/bin/sh
\"$(readlink -f \"$0\")-itself\" \"$@\" || exit
case \"$1 $2\" in 'internal release-files') ;; *) exit 0 ;; esac
sed -i 's/^Environment=PATH=/Environment=SINCE=next\\n&/' \"$3/units/bangerd.service\"
printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' >\"$3/units/banger-more.service\"
",
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

/// A daemon that says that it migrates the database, does so, and does not start.
const MIGRATES: &str = "#!/bin/sh
case \"$*\" in *--check-migrations*) echo 'will migrate: the database becomes one of version 99'; exit 1 ;; esac
printf '\\000\\000\\000\\143' | dd of=/var/lib/banger/state.db bs=1 seek=60 conv=notrunc 2>/dev/null
exit 1
";

fn database_restored(host: &Host, lived: &mut Lived<'_>) {
    host.banger(["vm", "create", "--name", "last", "--no-start", "--vcpu", "1"]).args(SMALL).run().ok();
    lived.releases = Releases::serve(host);
    lived.releases.offer(NEXT, |dir| script(&dir.join("bangerd"), MIGRATES));
    let running = lived.update(["--force"]).start();
    // What the next release leaves is one that the old one does not read: seen before it is put back.
    let version = "dd if=/var/lib/banger/state.db bs=1 skip=63 count=1 2>/dev/null | od -An -tu1";
    let mut is_migrated = false;
    wait_for("the end of the update", LIMIT, || {
        is_migrated |= host.root(["sh", "-c", version]).run().stdout().trim() == "99";
        host.root(["sh", "-c", "! systemctl is-active -q banger-update.service"]).run().code == 0
            && is_migrated
    });
    let said = running.finish().exits(1).stderr();
    assert!(said.contains("(rolled back to previous install)"), "{said}");
    lived.assert_whole("v0.1.0", "a database that was migrated");
    lived.assert_machine_lives("a database that was migrated");
    assert_eq!(host.vm("last")["spec"]["vcpus"], 1, "the last record before the update");
    host.banger(["vm", "delete", "last"]).run().ok();
}
