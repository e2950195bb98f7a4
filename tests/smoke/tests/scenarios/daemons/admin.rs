//! The daemon itself: asked about, stopped, started twice, and before databases that are not its own.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use rusqlite::Connection;
use smoke::{Command, Host, on_plain, wait::wait_for};

use super::{
    look::{Bystander, Process, SMALL, daemon, machines, object, settled, state},
    strike::VICTIM,
};

const GONE_LIMIT: Duration = Duration::from_secs(20);

/// A call of the daemon's own program.
fn bangerd(host: &Host) -> Command {
    host.program("bangerd")
}

#[test]
fn daemon_admin() {
    on_plain(|host| {
        // None of these starts it.
        let socket = host.dir().join("run/banger/bangerd.sock");
        let told = host.banger(["daemon", "status"]).run().exits(5).stdout();
        assert_eq!(told, format!("not running  {}\n", socket.display()));
        let status = host.banger(["daemon", "status", "--json"]).run().exits(5);
        assert_eq!(object(&status, "daemon")["running"], false);
        assert_eq!(host.banger(["daemon", "socket"]).run().ok().stdout(), format!("{}\n", socket.display()));
        host.banger(["daemon", "stop"]).run().ok();
        assert_eq!((socket.exists(), daemon(host)), (false, None));

        host.banger(["vm", "list"]).run().ok();
        let first = daemon(host).unwrap();
        let status = host.banger(["daemon", "status", "--json"]).run().ok();
        let status = object(&status, "daemon");
        assert_eq!(
            (status["running"].as_bool(), status["pid"].as_i64()),
            (Some(true), Some(first.pid.into()))
        );
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));

        let told = bangerd(host).run().exits(3).stderr();
        assert!(told.contains(&format!("runs already, as process {}", first.pid)), "{told}");
        assert!(told.contains("banger daemon stop"), "{told}");
        assert_eq!(daemon(host), Some(first.clone()), "the first one stays");
        host.banger(["vm", "list"]).run().ok();

        let told = host.banger(["daemon", "stop"]).run().ok().stderr();
        assert!(told.contains("machines run on"), "{told}");
        wait_for("the daemon's end", GONE_LIMIT, || !first.lives());
        assert!(!socket.exists());
        host.banger(["daemon", "status"]).run().exits(5);
    });
}

#[test]
fn daemon_stop_keeps_machines() {
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        let first = daemon(host).unwrap();
        host.banger(["daemon", "stop"]).run().ok();
        // The next command need not wait for the last one's end.
        stays.assert_stays(host);
        assert_ne!(daemon(host), Some(first));

        // One that boots meanwhile is gone on with, or was never there.
        let mut booting = host.banger(["vm", "create", "--name", VICTIM]).args(SMALL).start();
        booting.wait_for_text("boot");
        host.banger(["daemon", "stop"]).run().ok();
        stays.assert_stays(host);
        let code = booting.finish().code;
        let left = settled(host).into_iter().find(|machine| machine.name == VICTIM);
        match left {
            Some(victim) if victim.state == "running" => {
                host.banger(["vm", "exec", VICTIM, "--", "true"]).run().ok();
            }
            Some(victim) => assert!(victim.state == "stopped" && code != 0, "{victim:#?}, code {code}"),
            None => assert_ne!(code, 0),
        }
        for machine in machines(host).iter().filter(|machine| machine.name == VICTIM) {
            host.banger(["vm", "delete", &machine.name]).run().ok();
        }
        stays.delete(host);
    });
}

#[test]
fn commands_at_once_start_one_daemon() {
    on_plain(|host| {
        for _ in 0..5 {
            let all: Vec<_> = (0..8).map(|_| host.banger(["vm", "list", "--json"]).start()).collect();
            for one in all {
                one.finish().ok();
            }
            // Those that lost the race end by themselves.
            let daemons = || {
                let found = smoke::processes(host.dir());
                found.into_iter().filter(|trace| trace.line.ends_with("bangerd")).collect::<Vec<_>>()
            };
            wait_for("one daemon", GONE_LIMIT, || daemons().len() == 1);
            daemon(host).unwrap().kill();
        }
    });
}

/// Holds a daemon to refuse what lies there in place of its database, and to leave it as it is.
#[track_caller]
fn refused(host: &Host, code: i32, words: &str) {
    let database = state(host).join("state.db");
    let before = fs::read(&database).unwrap();
    let output = bangerd(host).run().exits(code);
    let told = output.stderr();
    assert!(told.contains(words) && told.contains("backups"), "{told}");
    assert!(told.lines().count() == 2 && !told.contains("os error"), "{told}");
    let command = host.banger(["vm", "list"]).run().exits(5);
    let told = command.stderr();
    assert!(told.contains(words) && told.contains("backups"), "{told}");
    assert!(told.contains("the daemon ended at once"), "it is not waited for: {told}");
    assert_eq!(fs::read(&database).unwrap(), before, "it is as it was");
    assert_eq!(daemon(host), None);
}

#[test]
fn check_migrations() {
    on_plain(|host| {
        let check = |code: i32, words: &str| {
            let output = bangerd(host).args(["--check-migrations"]).run().exits(code);
            assert!(output.stdout().starts_with(words), "{}", output.stdout());
            assert_eq!((output.stdout().lines().count(), output.stderr().as_str()), (1, ""));
        };
        let database = state(host).join("state.db");
        let sql = |sql: &str| Connection::open(&database).unwrap().execute_batch(sql).unwrap();
        check(0, "compatible: there is no database yet");
        assert!(!database.exists(), "to look makes nothing");
        host.banger(["vm", "list"]).run().ok();
        check(0, "compatible: the database is of version ");
        host.banger(["daemon", "stop"]).run().ok();
        wait_for("the daemon's end", GONE_LIMIT, || daemon(host).is_none());
        check(0, "compatible: the database is of version ");
        let kept = fs::read(&database).unwrap();

        sql("PRAGMA user_version = 4711");
        check(2, "cannot: ");
        refused(host, 3, "4711");

        fs::write(
            &database,
            b"This is no database, though it is long enough to be looked at as if it were one.",
        )
        .unwrap();
        check(2, "cannot: ");
        refused(host, 1, "damaged");

        // Half of its pages are noise.
        let mut damaged = kept.clone();
        let middle = damaged.len() / 2;
        damaged[middle..].fill(0xa5);
        fs::write(&database, &damaged).unwrap();
        check(2, "cannot: ");
        refused(host, 1, "damaged");

        // As before the first migration.
        fs::remove_file(&database).unwrap();
        sql("PRAGMA journal_mode = wal; PRAGMA user_version = 0; CREATE TABLE x (y); DROP TABLE x");
        check(1, "will migrate: ");

        fs::write(&database, &kept).unwrap();
        host.banger(["vm", "list"]).run().ok();
    });
}

#[test]
fn a_home_with_a_long_path_works() {
    on_plain(|host| {
        host.with_guests();
        let long = host.dir().join("l".repeat(100)).join("o".repeat(100));
        fs::create_dir_all(&long).unwrap();
        fs::set_permissions(&long, fs::Permissions::from_mode(0o700)).unwrap();
        for name in ["home", "state", "cache", "run"] {
            fs::rename(host.dir().join(name), long.join(name)).unwrap();
            fs::create_dir(host.dir().join(name)).unwrap();
        }
        let banger = |args: &[&str]| {
            host.banger(args)
                .env("HOME", long.join("home"))
                .env("XDG_STATE_HOME", long.join("state"))
                .env("XDG_CACHE_HOME", long.join("cache"))
                .env("XDG_RUNTIME_DIR", long.join("run"))
        };
        let output =
            banger(&["vm", "create", "--name", "long"]).args(SMALL).args(["--publish", "7"]).run().ok();
        assert_eq!(output.stdout(), "long\n");
        assert_eq!(banger(&["vm", "exec", "long", "--", "echo", "hello"]).run().ok().stdout(), "hello\n");
        let list = object(&banger(&["vm", "list", "--json"]).run().ok(), "vms");
        assert!(list[0]["dir"].as_str().unwrap().len() > 200, "{list}");
        let socket = banger(&["daemon", "socket"]).run().ok().stdout();
        assert!(socket.len() > 200, "{socket}");
        // Another daemon finds it as well.
        let pid =
            object(&banger(&["daemon", "status", "--json"]).run().ok(), "daemon")["pid"].as_i64().unwrap();
        Process::of(pid.try_into().unwrap()).unwrap().kill();
        assert_eq!(banger(&["vm", "exec", "long", "--", "echo", "again"]).run().ok().stdout(), "again\n");
        banger(&["vm", "stop", "long"]).run().ok();
        banger(&["vm", "delete", "long"]).run().ok();
        banger(&["daemon", "stop"]).run().ok();
    });
}
