//! The database is copied and put back, also by processes that are killed in the middle.

use std::{
    fs,
    os::unix::fs::{MetadataExt, symlink},
    time::Duration,
};

use serde_json::json;

use super::harness::{Daemon, Home};

const COPY: &str = "state.db.copy-v1.2.3";

fn set(daemon: &Daemon, vcpus: u32) {
    let body = json!({ "vcpus": vcpus }).to_string();
    assert_eq!(daemon.ask("PATCH", "/v1/vms/box-0", &[], body.as_bytes()).status, 200);
}

fn vcpus(home: &Home) -> u64 {
    let daemon = Daemon::start(home);
    let vm = daemon.get("/v1/vms/box-0").ok();
    daemon.stop();
    vm["spec"]["vcpus"].as_u64().unwrap_or_default()
}

fn check(home: &Home, args: &[&str], want: i32, line: &str) {
    let (code, said) = home.run(args);
    assert!(code == want && said.contains(line) && said.lines().count() == 1, "{args:?}: {code} {said}");
    assert_eq!(code == 2, said.starts_with("cannot: "), "the line agrees with the code: {code} {said}");
}

/// The files that have to do with the database, but its lock.
fn files(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path("state/banger")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| name.starts_with("state.db") && name != "state.db.lock").collect();
    names.sort();
    names
}

#[test]
fn a_copy_is_consistent_and_brings_back_what_was_though_a_journal_was_left() {
    let home = Home::new();
    home.fill(1);
    let daemon = Daemon::start(&home);
    set(&daemon, 3);
    assert!(files(&home).contains(&"state.db-wal".to_owned()));
    check(&home, &["--copy-database", COPY], 0, "copied: ");
    let copy = home.path("state/banger").join(COPY);
    assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o600);
    set(&daemon, 4);
    check(&home, &["--restore-database", COPY], 2, "somebody has the database open");
    daemon.signal("-KILL");
    daemon.ended();
    assert_eq!(files(&home), ["state.db", "state.db-shm", "state.db-wal", COPY]);
    check(&home, &["--check-migrations"], 0, "compatible: the database is of version 2");
    check(&home, &["--restore-database", COPY], 0, "put back");
    assert_eq!(files(&home), ["state.db"]);
    assert_eq!(vcpus(&home), 3);
    check(&home, &["--restore-database", COPY], 1, "there is no such copy");
    assert_eq!(vcpus(&home), 3);
}

#[test]
fn a_copy_has_a_place_and_a_name_and_replaces_nothing_else() {
    let home = Home::new();
    check(&home, &["--restore-database", COPY], 2, "make the lock");
    check(&home, &["--copy-database", COPY], 1, "there is no database yet");
    fs::create_dir_all(home.path("state/banger")).unwrap();
    check(&home, &["--copy-database", COPY], 1, "there is no database yet");
    check(&home, &["--restore-database", COPY], 1, "there is no such copy");
    home.fill(1);
    let elsewhere = home.path("cache").join(COPY);
    let refused = |place: &str, why: &str| {
        for job in ["--copy-database", "--restore-database"] {
            check(&home, &[job, place], 2, why);
        }
    };
    refused(elsewhere.to_str().unwrap(), "a copy lies beside the database");
    refused("../state.db.copy", "a copy lies beside the database");
    refused("state.db", "a copy is named");
    refused("backup", "a copy is named");
    refused("state.db.copy.new", "a copy is named");
    let copy = home.path("state/banger").join(COPY);
    symlink("state.db", &copy).unwrap();
    refused(COPY, "it is there, and is no file");
    fs::remove_file(&copy).unwrap();
    fs::create_dir(&copy).unwrap();
    refused(COPY, "it is there, and is no file");
    fs::remove_dir(&copy).unwrap();
    fs::write(&copy, [0x55; 16384]).unwrap();
    check(&home, &["--restore-database", COPY], 2, "is damaged");
    check(&home, &["--copy-database", COPY], 0, "copied: ");
    let database = home.path("state/banger/state.db");
    fs::write(&database, [0x55; 16384]).unwrap();
    let before = fs::read(&copy).unwrap();
    check(&home, &["--copy-database", COPY], 2, "is damaged");
    assert!(fs::read(&copy).unwrap() == before, "an earlier copy stays as it was");
    check(&home, &["--restore-database", COPY], 0, "put back");
    assert_eq!(vcpus(&home), 2);
}

#[test]
fn the_system_s_database_is_the_system_s() {
    let home = Home::new();
    home.install();
    let state = home.path("root/var/lib/banger");
    drop(store::Store::open(&state.join("state.db")).unwrap());
    check(&home, &["--check-migrations", "--system"], 0, "of version 2");
    check(&home, &["--check-migrations"], 0, "there is no database yet");
    check(&home, &["--copy-database", COPY, "--system"], 0, "copied: ");
    assert!(state.join(COPY).exists());
    check(&home, &["--restore-database", COPY, "--system"], 0, "put back");
    assert!(!home.path("state/banger").exists());
}

#[test]
fn one_that_is_killed_anywhere_is_put_right_by_the_next() {
    let home = Home::new();
    home.fill(1);
    let mut cut = 0;
    for round in 1..=16 {
        let daemon = Daemon::start(&home);
        set(&daemon, 3);
        let delay = Duration::from_micros(1200) * round;
        cut += u32::from(!home.wait_and_kill(&["--copy-database", COPY], delay));
        check(&home, &["--copy-database", COPY], 0, "copied: ");
        set(&daemon, 4);
        daemon.signal("-KILL");
        daemon.ended();
        let ended = home.wait_and_kill(&["--restore-database", COPY], delay);
        cut += u32::from(!ended);
        let (code, said) = home.run(&["--restore-database", COPY]);
        assert!(code == 0 || code == 1, "{delay:?}: {code} {said}");
        assert_eq!(files(&home), ["state.db"], "{delay:?}");
        assert_eq!(vcpus(&home), 3, "{delay:?}");
    }
    assert!(cut > 4, "hardly any was cut off: {cut}");
}

#[test]
fn one_that_is_gone_is_not_made_anew_beside_machines() {
    let home = Home::new();
    home.fill(1);
    let (database, vms) = (home.path("state/banger/state.db"), home.path("state/banger/vms"));
    let there = || fs::read_dir(&vms).unwrap().count();
    fs::remove_file(&database).unwrap();
    for content in [None, Some("")] {
        if let Some(content) = content {
            fs::write(&database, content).unwrap();
        }
        let (code, said) = home.run(&[]);
        let why = "is gone, and the disks of 1 of its machines are there\nPut it back (";
        assert!(code == 1 && said.contains(why), "{code}: {said}");
        assert_eq!(there(), 1, "nothing was removed");
    }
    fs::rename(&vms, home.path("state/banger/aside")).unwrap();
    let daemon = Daemon::start(&home);
    assert_eq!(daemon.get("/v1/vms").ok(), json!([]));
}

#[test]
fn disks_of_a_machine_that_an_older_database_does_not_know_stay() {
    let home = Home::new();
    home.fill(1);
    let database = home.path("state/banger/state.db");
    Daemon::start(&home).stop();
    let newest = fs::read(&database).unwrap();
    rusqlite::Connection::open(&database).unwrap().execute("DELETE FROM vms", []).unwrap();

    let daemon = Daemon::start(&home);
    daemon.ready();
    assert_eq!(daemon.get("/v1/vms").ok(), json!([]));
    let report = daemon.post("/v1/doctor/fix", "").ok();
    let checks = report["checks"].as_array().unwrap();
    let records = checks.iter().find(|check| check["name"] == "records").unwrap();
    let vms: Vec<_> = fs::read_dir(home.path("state/banger/vms")).unwrap().flatten().collect();
    let dir = vms[0].path().display().to_string();
    assert_eq!((vms.len(), &records["verdict"]), (1, &json!("warn")), "not even --fix removes it");
    assert!(records["found"].as_str().unwrap().contains(&dir), "{records}");
    daemon.stop();

    fs::write(&database, newest).unwrap();
    let daemon = Daemon::start(&home);
    daemon.ready();
    assert_eq!(daemon.get("/v1/vms").ok()[0]["state"], "stopped");
}
