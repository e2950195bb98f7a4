//! How a daemon starts, answers and ends.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::{UnixListener, UnixStream},
    },
    time::{Duration, Instant},
};

use super::harness::{Daemon, Home, wait_until};
use serde_json::{Value, json};

#[test]
fn a_fresh_daemon_tells_of_itself_and_ends_when_asked() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let reply = daemon.get("/v1/info");
    assert_eq!(reply.header("banger-version").as_deref(), Some(model::RELEASE));
    let info = reply.ok();
    assert_eq!(info["mode"], "embedded");
    assert_eq!(info["pid"], daemon.pid());
    assert_eq!(info["vms"], 0);
    assert_eq!(daemon.get("/v1/vms").ok(), json!([]));
    assert_eq!(daemon.get("/v1/images").ok(), json!([]));
    assert_eq!(daemon.get("/v1/kernels").ok(), json!([]));
    assert_eq!(daemon.get("/v1/operations").ok(), json!([]));
    let checks = daemon.get("/v1/doctor").ok();
    let names: Vec<&str> =
        checks["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert!(names.starts_with(&["architecture", "store", "monitor", "kvm"]), "{names:?}");
    let mode = fs::metadata(home.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    assert_eq!(daemon.post("/v1/shutdown", "").status, 202);
    assert_eq!(daemon.ended(), (0, String::new()));
    assert!(!home.socket().exists());
}

#[test]
fn doctor_puts_right_only_what_it_is_asked_to_and_says_what() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    daemon.ready();
    let stray = home.path("state/banger/vms/0123456789ab");
    fs::create_dir_all(&stray).unwrap();
    let strays = |report: &Value| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == "strays").unwrap()["verdict"].clone()
    };
    let looked = daemon.get("/v1/doctor").ok();
    assert_eq!((&strays(&looked), &looked["fixed"]), (&json!("warn"), &json!([])));
    assert!(stray.exists(), "a look changes nothing");
    let fixed = daemon.post("/v1/doctor/fix", "").ok();
    assert!(!stray.exists());
    assert_eq!(strays(&fixed), "pass");
    assert_eq!(fixed["fixed"], json!([format!("removed: directory {}", stray.display())]));
    assert_eq!(fixed["unfixed"], json!([]));
    assert_eq!(daemon.post("/v1/doctor/fix", "").ok()["fixed"], json!([]));
}

#[test]
fn the_system_s_daemon_serves_systemd_s_socket_and_leaves_it_there() {
    let home = Home::new();
    home.install();
    let listener = UnixListener::bind(home.system_socket()).unwrap();
    let first = Daemon::start_of_system(&home, &listener);
    let info = first.get("/v1/info").ok();
    assert_eq!(info["mode"], "system");
    assert_eq!(info["pid"], first.pid());
    let state = info["paths"].as_array().unwrap().iter().find(|path| path["key"] == "state").unwrap();
    assert!(state["value"].as_str().unwrap().ends_with("root/var/lib/banger"), "{state}");
    first.signal("-TERM");
    assert_eq!(first.told(), "STOPPING=1\nSTATUS=what was begun comes to an end\n");
    let (code, said) = first.ended();
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("bangerd ends") && !said.contains("WARN"), "{said}");
    assert!(!home.path("root/var/lib/banger/bangerd.log").exists());

    // Who knocks while none runs is served by the next.
    let mut early = UnixStream::connect(home.system_socket()).unwrap();
    early.write_all(b"GET /v1/vms HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let second = Daemon::start_of_system(&home, &listener);
    let mut reply = String::new();
    early.read_to_string(&mut reply).unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let refused = second.post("/v1/restart", "").json();
    assert_eq!(refused["code"], "wrong_state", "{refused}");
    assert_eq!(second.post("/v1/shutdown", "").status, 202);
    assert_eq!(second.ended().0, 0);
    assert!(home.system_socket().exists());
    assert_eq!(home.run(&["--check-migrations", "--system"]).0, 0);
    assert!(!home.path("state/banger").exists());
}

#[test]
fn the_system_s_daemon_is_systemd_s_to_start_and_its_owner_s_to_be() {
    let home = Home::new();
    let refused = |why: &str| {
        let (code, said) = home.run(&["--system"]);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(why) && said.lines().count() == 2, "{said}");
    };
    refused("there is no system install");
    home.install();
    refused("systemd handed in no socket bangerd");
    let record = home.path("root/etc/banger/install.toml");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("owner_uid = ", "owner_uid = 1")).unwrap();
    refused("it is ann's, and this is user");
    assert_eq!(home.run(&["--check-migrations", "--system"]).1, "compatible: there is no database yet\n");
}

#[test]
fn sigterm_and_sigint_end_it_with_0_and_sighup_does_not() {
    for signal in ["-TERM", "-INT"] {
        let home = Home::new();
        let daemon = Daemon::start(&home);
        daemon.signal("-HUP");
        assert_eq!(daemon.get("/v1/vms").status, 200);
        daemon.signal(signal);
        assert_eq!(daemon.ended(), (0, String::new()), "{signal}");
        assert!(!home.socket().exists());
    }
}

#[test]
fn a_second_daemon_is_refused_and_says_who_was_first() {
    let home = Home::new();
    let first = Daemon::start(&home);
    let (code, said) = home.run(&[]);
    assert_eq!(code, 3);
    assert!(said.contains(&format!("bangerd runs already, as process {}", first.pid())), "{said}");
    assert_eq!(first.get("/v1/vms").status, 200);
}

#[test]
fn a_killed_daemon_leaves_a_socket_that_the_next_one_replaces() {
    let home = Home::new();
    let first = Daemon::start(&home);
    first.signal("-KILL");
    let (code, _) = first.ended();
    assert_eq!(code, -9);
    assert!(home.socket().exists());
    let second = Daemon::start(&home);
    assert_eq!(second.get("/v1/vms").status, 200);
}

#[test]
fn directories_that_are_not_ours_alone_are_refused() {
    type Spoil = fn(&Home);
    let table: &[(Spoil, &str)] = &[
        (|home| symlink(home.path("state"), home.path("run/banger")).unwrap(), "is a link"),
        (|home| fs::write(home.path("run/banger"), "").unwrap(), "is no directory"),
        (
            |home| {
                fs::create_dir(home.path("run/banger")).unwrap();
                fs::set_permissions(home.path("run/banger"), fs::Permissions::from_mode(0o777)).unwrap();
            },
            "is open to others (mode 0777)",
        ),
    ];
    for (spoil, why) in table {
        let home = Home::new();
        spoil(&home);
        let (code, said) = home.run(&[]);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn a_database_that_cannot_be_used_is_named_with_what_to_do() {
    let home = Home::new();
    Daemon::start(&home).stop();
    let database = home.path("state/banger/state.db");

    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.close().unwrap();
    let (code, said) = home.run(&[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is of version 99, and this release knows versions up to 2"), "{said}");
    assert!(said.contains("/backups."), "{said}");
    assert_eq!(home.run(&["--check-migrations"]).0, 2);

    fs::write(&database, [0x55; 16384]).unwrap();
    let (code, said) = home.run(&[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("is damaged"), "{said}");
    assert!(said.contains("Stop the daemon, move "), "{said}");
    assert_eq!(home.run(&["--check-migrations"]).0, 2);
}

#[test]
fn a_configuration_that_cannot_be_used_is_named_with_what_to_do() {
    let home = Home::new();
    fs::create_dir_all(home.path("config/banger")).unwrap();
    fs::write(home.path("config/banger/config.toml"), "acel = \"kvm\"\n").unwrap();
    let (code, said) = home.run(&[]);
    assert_eq!(code, 2);
    assert!(said.contains("there is no setting \"acel\"\nDid you mean accel?"), "{said}");
}

#[test]
fn it_says_which_release_it_is_and_whether_it_can_use_the_database() {
    let home = Home::new();
    let (code, said) = home.run(&["--version"]);
    assert_eq!(code, 0);
    assert!(said.starts_with("bangerd v0.1.0 (commit "), "{said}");
    let check = |want: i32, line: &str| {
        let (code, said) = home.run(&["--check-migrations"]);
        assert_eq!((code, said.as_str()), (want, line));
    };
    check(0, "compatible: there is no database yet\n");
    let daemon = Daemon::start(&home);
    check(0, "compatible: the database is of version 2\n");
    daemon.stop();
    check(0, "compatible: the database is of version 2\n");
    let connection = rusqlite::Connection::open(home.path("state/banger/state.db")).unwrap();
    connection.pragma_update(None, "user_version", 0).unwrap();
    connection.close().unwrap();
    check(1, "will migrate: the database is of version 0 and becomes 2\n");
}

/// Requests that must be refused: method, path and body.
fn bad_requests() -> Vec<(&'static str, String, String)> {
    let create = |body: Value| ("POST", "/v1/vms".to_owned(), body.to_string());
    let base = |key: &str, value: Value| {
        let mut body = json!({ "name": "box", "start": false, "delete_on_failure": true });
        body[key] = value;
        create(body)
    };
    let plain = |method, path: &str, body: &str| (method, path.to_owned(), body.to_owned());
    vec![
        plain("GET", "/", ""),
        plain("GET", "/v2/vms", ""),
        plain("PUT", "/v1/vms", ""),
        plain("POST", "/v1/vms", ""),
        plain("POST", "/v1/vms", "{"),
        plain("POST", "/v1/vms", "[]"),
        plain("POST", "/v1/vms", &"x".repeat(300_000)),
        base("name", json!("My Box")),
        base("name", json!("../x")),
        base("name", json!("")),
        base("vcpus", json!(0)),
        base("vcpus", json!(33)),
        base("vcpus", json!("two")),
        base("memory", json!(1024)),
        base("memory", json!(1u64 << 50)),
        base("disk_size", json!(1)),
        base("system_overlay_size", json!(0)),
        base("image", json!("no-such-image")),
        base("image", json!("../../etc")),
        base("kernel", json!("no-such-kernel")),
        base("publish", json!([{ "host": 0, "guest": 80 }])),
        base("publish", json!([{ "host": 8099, "guest": 80 }, { "host": 8099, "guest": 81 }])),
        plain("GET", "/v1/vms/nobody", ""),
        plain("DELETE", "/v1/vms/nobody", ""),
        plain("POST", "/v1/vms/nobody/start", ""),
        plain("POST", "/v1/vms/nobody/kill", "{\"signal\": 9}"),
        plain("GET", "/v1/vms/nobody/logs", ""),
        plain("GET", "/v1/vms/nobody/logs?follow=maybe", ""),
        plain("PATCH", "/v1/vms/nobody", "{}"),
        plain("GET", "/v1/operations/op-000000000000/events", ""),
        plain("GET", "/v1/operations/nonsense/events", ""),
        plain("GET", "/v1/operations/op-000000000000/events?after=x", ""),
        plain("DELETE", "/v1/operations/op-000000000000", ""),
        plain("GET", "/v1/images/nothing", ""),
        plain("DELETE", "/v1/images/nothing", ""),
        plain("GET", "/v1/images/..", ""),
        plain("POST", "/v1/images/build", "{\"recipe\": \"gentoo\"}"),
        plain("POST", "/v1/images/import", "bytes"),
        plain("POST", "/v1/images/import?name=x", ""),
        plain("POST", "/v1/images/promote", "{\"vm\": \"nobody\", \"name\": \"x\"}"),
        plain("GET", "/v1/kernels/nothing", ""),
        plain("DELETE", "/v1/kernels/nothing", ""),
        plain("POST", "/v1/kernels/import?name=-", "bytes"),
    ]
}

#[test]
fn every_bad_request_is_refused_and_leaves_nothing() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let table = bad_requests();
    let told: Vec<String> = table
        .iter()
        .map(|(method, path, body)| {
            let reply = daemon.ask(method, path, &[], body.as_bytes());
            let failure = reply.json();
            assert!(failure["op"].as_str().unwrap().starts_with("op-"), "{failure}");
            let shown: String = body.chars().take(60).collect();
            let hint = failure["hint"].as_str().map(|hint| format!("\n    {hint}")).unwrap_or_default();
            let message = failure["message"].as_str().unwrap();
            format!("{method} {path} {shown}\n    {} {} {message}{hint}", reply.status, failure["code"])
        })
        .collect();
    insta::with_settings!({ filters => vec![
        (r"more than this host's \d+ MiB", "more than this host's N MiB"),
    ] }, {
        insta::assert_snapshot!(told.join("\n"));
    });
    assert_eq!(daemon.get("/v1/vms").ok(), json!([]));
    assert_eq!(daemon.get("/v1/operations").ok(), json!([]), "none of them became an operation");
    let left: Vec<_> = fs::read_dir(home.path("state/banger/vms")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn asking_twice_with_one_key_is_asking_once() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let key = [("Idempotency-Key", "a key")];
    let ask = |path: &str| daemon.ask("POST", path, &key, b"no kernel");
    let first = ask("/v1/kernels/import?name=x");
    assert_eq!(first.status, 202);
    assert_eq!(ask("/v1/kernels/import?name=x").json(), first.json());
    let other = ask("/v1/kernels/import?name=y");
    assert_eq!(other.status, 400, "{}", other.json());
    assert_eq!(daemon.get("/v1/operations").ok().as_array().unwrap().len(), 1);
    let without = daemon.ask("POST", "/v1/kernels/import?name=x", &[], b"no kernel");
    assert_ne!(without.json(), first.json());
}

#[test]
fn what_was_answered_under_a_key_outlives_the_daemon_and_what_was_refused_does_not() {
    let home = Home::new();
    home.fill(1);
    let daemon = Daemon::start(&home);
    let ask = |daemon: &Daemon, key: &str, method: &str, path: &str, body: &str| {
        daemon.ask(method, path, &[("Idempotency-Key", key)], body.as_bytes())
    };
    let import = |daemon: &Daemon| ask(daemon, "a", "POST", "/v1/kernels/import?name=x", "no kernel");
    let accepted = import(&daemon).json();
    assert_eq!(ask(&daemon, "b", "PATCH", "/v1/vms/box-0", "{\"vcpus\": 3}").status, 200);
    assert_eq!(ask(&daemon, "c", "PATCH", "/v1/vms/box-1", "{\"vcpus\": 3}").status, 404);
    daemon.signal("-KILL");
    daemon.ended();
    let daemon = Daemon::start(&home);
    assert_eq!(import(&daemon).json(), accepted);
    assert_eq!(daemon.get("/v1/operations").ok(), json!([]), "it was not begun again");
    let op = accepted["op"].as_str().unwrap();
    assert_eq!(
        daemon.get(&format!("/v1/operations/{op}/events")).status,
        404,
        "that it was given up is told"
    );
    assert_eq!(daemon.ask("PATCH", "/v1/vms/box-0", &[], b"{\"vcpus\": 4}").status, 200);
    let again = ask(&daemon, "b", "PATCH", "/v1/vms/box-0", "{\"vcpus\": 3}");
    assert_eq!(
        (again.header("content-type").as_deref(), &again.ok()["spec"]["vcpus"]),
        (Some("application/json"), &json!(3))
    );
    assert_eq!(daemon.get("/v1/vms/box-0").ok()["spec"]["vcpus"], 4, "it was not done again");
    // What was refused may be asked again, also for something else.
    assert_eq!(ask(&daemon, "c", "PATCH", "/v1/vms/box-0", "{\"vcpus\": 5}").status, 200);
    assert_eq!(daemon.get("/v1/vms/box-0").ok()["spec"]["vcpus"], 5);
}

#[test]
fn a_change_in_whose_middle_the_daemon_was_killed_is_not_begun_again_and_that_is_told() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let mut cut = UnixStream::connect(home.socket()).unwrap();
    let head = "POST /v1/kernels/import?name=x HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\nContent-Length: 9\r\n\r\n";
    cut.write_all(head.as_bytes()).unwrap();
    cut.write_all(b"half").unwrap();
    let notebook = home.path("state/banger/replies.jsonl");
    let is_begun = || fs::read_to_string(&notebook).is_ok_and(|text| text.contains("begun"));
    wait_until("it is begun", || is_begun().then_some(()));
    daemon.signal("-KILL");
    daemon.ended();
    let daemon = Daemon::start(&home);
    let again = daemon.ask("POST", "/v1/kernels/import?name=x", &[("Idempotency-Key", "k")], b"no kernel");
    let failure = again.json();
    assert_eq!((again.status, failure["code"].as_str()), (500, Some("failed")), "{failure}");
    assert!(failure["message"].as_str().unwrap().contains("in the middle of it"), "{failure}");
}

#[test]
fn a_daemon_that_cannot_keep_its_replies_works_on() {
    let home = Home::new();
    home.fill(1);
    fs::create_dir(home.path("state/banger/replies.jsonl")).unwrap();
    let daemon = Daemon::start(&home);
    let changed = daemon.ask("PATCH", "/v1/vms/box-0", &[("Idempotency-Key", "k")], b"{\"vcpus\": 3}");
    assert_eq!(changed.ok()["spec"]["vcpus"], 3);
    daemon.stop();
    let log = fs::read_to_string(home.path("state/banger/bangerd.log")).unwrap();
    assert!(log.contains("what is replied does not outlive this daemon"), "{log}");
}

#[test]
fn an_operation_that_fails_tells_why_and_can_be_read_again_from_anywhere() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    let begun = daemon.post("/v1/images/import?name=x", "these bytes are no image");
    assert_eq!(begun.status, 202);
    let op = begun.json()["op"].as_str().unwrap().to_owned();
    let events = daemon.get(&format!("/v1/operations/{op}/events")).lines();
    let last = events.last().unwrap();
    assert_eq!(last["event"], "failed", "{events:?}");
    assert_eq!(last["failure"]["op"], op);
    assert!(last["failure"]["message"].as_str().unwrap().starts_with("import image x: "), "{last}");
    let after = last["seq"].as_u64().unwrap() - 1;
    let again = daemon.get(&format!("/v1/operations/{op}/events?after={after}")).lines();
    assert_eq!(again.first(), Some(last));
    assert_eq!(again.len(), 1);
    let log = fs::read_to_string(home.path("state/banger/bangerd.log")).unwrap();
    assert!(log.contains(&op), "the log has it under its id");
    assert_eq!(daemon.get("/v1/images").ok(), json!([]));
}

#[test]
fn a_thousand_machines_are_listed_quickly_and_in_little_memory() {
    let home = Home::new();
    home.fill(1000);
    let daemon = Daemon::start(&home);
    let idle_kib = daemon.resident_kib();
    let list = daemon.get("/v1/vms");
    assert_eq!(list.json().as_array().unwrap().len(), 1000);
    let fastest = (0..20).map(|_| {
        let began = Instant::now();
        assert_eq!(daemon.get("/v1/vms").status, 200);
        began.elapsed()
    });
    let fastest = fastest.min().unwrap();
    let kib = daemon.resident_kib();
    // The figures are promised for a release build (numbers.md, P9 and P10); this one is not optimised, and
    // other tests run beside it.
    println!("list of 1000: {fastest:?}; resident {idle_kib} KiB, then {kib} KiB");
    assert!(fastest < Duration::from_millis(200), "{fastest:?}");
    assert!(kib < 60 * 1024, "{kib} KiB");
}

#[test]
fn a_directory_that_belongs_to_no_machine_is_removed_at_the_start() {
    let home = Home::new();
    home.fill(1);
    let stray = home.path("state/banger/vms/0123456789ab");
    fs::create_dir_all(&stray).unwrap();
    fs::write(stray.join("home.ext4"), "x").unwrap();
    let daemon = Daemon::start(&home);
    daemon.ready();
    assert!(!stray.exists());
    let vms = daemon.get("/v1/vms").ok();
    assert_eq!(vms[0]["state"], "stopped");
}

#[test]
fn a_machine_whose_disks_are_gone_can_only_be_deleted() {
    let home = Home::new();
    home.fill(1);
    fs::remove_dir_all(home.path("state/banger/vms")).unwrap();
    let daemon = Daemon::start(&home);
    daemon.ready();
    let vm = &daemon.get("/v1/vms").ok()[0];
    assert_eq!(vm["state"], "error", "{vm}");
    assert!(vm["error"].as_str().unwrap().contains("its directory is gone"));
    let op = daemon.ask("DELETE", "/v1/vms/box-0", &[], b"").json()["op"].as_str().unwrap().to_owned();
    let events = daemon.get(&format!("/v1/operations/{op}/events")).lines();
    assert_eq!(events.last().unwrap()["outcome"], "gone", "{events:?}");
    assert_eq!(daemon.get("/v1/vms").ok(), json!([]));
}

#[test]
fn what_rests_is_changed_and_what_cannot_be_is_refused() {
    let home = Home::new();
    home.fill(1);
    let daemon = Daemon::start(&home);
    let patch = |body: Value| daemon.ask("PATCH", "/v1/vms/box-0", &[], body.to_string().as_bytes());
    let changed = patch(json!({ "vcpus": 3, "memory": 512 << 20 }));
    assert_eq!(changed.status, 200, "{}", changed.json());
    assert_eq!(changed.json()["spec"]["vcpus"], 3);
    let grown = patch(json!({ "disk_size": 2u64 << 30 }));
    assert_eq!(grown.json()["spec"]["disk_size"], 2u64 << 30);
    let shrunk = patch(json!({ "disk_size": 1u64 << 30 }));
    assert_eq!((shrunk.status, shrunk.json()["code"].as_str().unwrap()), (400, "bad_request"));
    assert_eq!(daemon.get("/v1/vms/box-0").ok()["spec"]["disk_size"], 2u64 << 30);
    let stats = daemon.get("/v1/vms/box-0/stats").ok();
    assert_eq!(stats["state"], "stopped");
    let health = daemon.get("/v1/vms/box-0/health").ok();
    assert_eq!((health["healthy"].as_bool(), health["why"].as_str()), (Some(false), Some("it is stopped")));
}
