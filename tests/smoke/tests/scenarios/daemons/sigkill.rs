//! `kill -9` of the daemon in the middle of what it does.

use smoke::{Command, Host, on_plain};

use super::{
    look::{Bystander, Machine, Process, SMALL, boot, boot_id, daemon, machine, machines, settled},
    strike::{Moment, VICTIM, strike},
};

/// Holds what is left after a strike to be right, and returns the victim where it is there.
#[track_caller]
fn settled_victim(host: &Host, stays: &Bystander) -> Option<Machine> {
    let victim = settled(host).into_iter().find(|machine| machine.name == VICTIM);
    stays.assert_stays(host);
    victim
}

#[track_caller]
fn delete_victim(host: &Host, victim: Option<&Machine>) {
    if victim.is_some() {
        host.banger(["vm", "delete", VICTIM]).run().ok();
    }
    assert_eq!(settled(host).len(), 1, "only the bystander is left");
}

fn create(host: &Host) -> Command {
    host.banger(["vm", "create", "--name", VICTIM]).args(SMALL)
}

#[test]
fn daemon_sigkill_keeps_machines() {
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        for _ in 0..3 {
            let before = daemon(host).unwrap();
            before.kill();
            stays.assert_stays(host);
            assert_ne!(daemon(host), Some(before), "the next command starts another daemon");
        }
        settled(host);
        stays.delete(host);
    });
}

#[test]
fn sigkill_during_create() {
    use Moment::{File, Said, State};
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        create(host).args(["--no-start"]).run().ok();
        let whole = machine(host, VICTIM);
        let files = whole.files();
        delete_victim(host, Some(&whole));
        for moment in [
            Said("spec: "),
            Said("create disks"),
            File("."),
            File("root.qcow2"),
            File("home.ext4"),
            File("ssh_host_ed25519_key"),
            File("known_hosts"),
            State("created"),
        ] {
            strike(host, create(host).args(["--no-start"]), moment);
            let victim = settled_victim(host, &stays);
            if let Some(victim) = &victim {
                assert_eq!(victim.state, "created", "{moment:?}");
                assert_eq!(victim.files(), files, "{moment:?}: it is whole or it is not there");
            }
            delete_victim(host, victim.as_ref());
        }
        stays.delete(host);
    });
}

#[test]
fn sigkill_during_boot() {
    use Moment::{File, Said, State};
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        for moment in [
            State("starting"),
            File("link.id"),
            File("link.sock"),
            File("monitor.id"),
            File("serial.sock"),
            Said("tell the guest who it is"),
            State("running"),
        ] {
            strike(host, create(host), moment);
            let victim = settled_victim(host, &stays).unwrap_or_else(|| panic!("{moment:?}: it is gone"));
            // A boot whose monitor ran is gone on with; one that had none says so.
            match victim.state.as_str() {
                "running" => assert_eq!(boot_id(host, VICTIM).len(), 37, "{moment:?}"),
                "error" => {
                    let why = victim.error.as_deref().unwrap_or_default();
                    assert!(why.contains("interrupted") || why.contains("ended"), "{moment:?}: {why}");
                    assert!(
                        matches!(moment, State("starting") | File("link.id" | "link.sock" | "monitor.id")),
                        "{victim:?}"
                    );
                }
                other => panic!("{moment:?}: it is {other}"),
            }
            delete_victim(host, Some(&victim));
        }
        stays.delete(host);
    });
}

#[test]
fn sigkill_during_stop() {
    use Moment::{NoMonitor, Said, State};
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        boot(host, VICTIM);
        for (count, moment) in
            [State("stopping"), Said("stop the guest"), NoMonitor, State("stopped")].into_iter().enumerate()
        {
            let script = format!("echo {count} >> /root/kept");
            host.banger(["vm", "exec", VICTIM, "--", "sh", "-c", &script]).run().ok();
            strike(host, host.banger(["vm", "stop", VICTIM]), moment);
            let victim = settled_victim(host, &stays).unwrap();
            assert_eq!(victim.state, "stopped", "{moment:?}");
            host.banger(["vm", "start", VICTIM]).run().ok();
            let kept = host.banger(["vm", "exec", VICTIM, "--", "cat", "/root/kept"]).run().ok().stdout();
            let wanted: Vec<String> = (0..=count).map(|count| count.to_string()).collect();
            assert_eq!(kept.lines().collect::<Vec<_>>(), wanted, "{moment:?}: a stop loses nothing");
        }
        host.banger(["vm", "delete", VICTIM]).run().ok();
        stays.delete(host);
    });
}

#[test]
fn sigkill_during_delete() {
    use Moment::{NoFile, NoMonitor, NoRecord, NotRunning};
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        for moment in [NoRecord, NoFile("home.ext4"), NoFile("root.qcow2"), NoFile(".")] {
            create(host).args(["--no-start"]).run().ok();
            strike(host, host.banger(["vm", "delete", VICTIM]), moment);
            let victim = settled_victim(host, &stays);
            assert!(victim.is_none(), "{moment:?}: its record was gone, so it is: {victim:?}");
        }
        for moment in [NotRunning, NoMonitor, NoFile("link.sock"), NoRecord] {
            boot(host, VICTIM);
            strike(host, host.banger(["vm", "delete", VICTIM]), moment);
            let victim = settled_victim(host, &stays);
            if let Some(victim) = &victim {
                assert_eq!(victim.state, "stopped", "{moment:?}");
            }
            delete_victim(host, victim.as_ref());
        }
        stays.delete(host);
    });
}

#[test]
fn sigkill_during_exec() {
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        // Both directions are full of bytes when it strikes.
        let bytes: Vec<u8> = (0..=255).cycle().take(16 << 20).collect();
        let mut running = host.banger([
            "vm",
            "exec",
            "stays",
            "--",
            "sh",
            "-c",
            "echo begun >&2; cat; echo over >&2; exit 7",
        ]);
        running = running.stdin(bytes.clone());
        let mut running = running.start();
        running.wait_for_text("begun");
        daemon(host).unwrap().kill();
        let output = running.finish().exits(7);
        assert_eq!(output.stderr(), "begun\nover\n");
        assert!(output.stdout == bytes, "{} of {} bytes came back", output.stdout.len(), bytes.len());
        assert_eq!(daemon(host), None::<Process>, "an exec that goes on needs no daemon");
        assert_eq!(machines(host).len(), 1);
        settled(host);
        stays.delete(host);
    });
}
