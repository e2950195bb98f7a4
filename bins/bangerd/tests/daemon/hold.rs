//! Changes are held while an updater wants it so.

use std::{fs, os::unix::net::UnixListener};

use super::harness::{Daemon, Home, Reply, wait_until};
use serde_json::{Value, json};

fn hold(daemon: &Daemon, holder: &str, seconds: u64) -> Reply {
    let body = json!({ "holder": holder, "seconds": seconds }).to_string();
    daemon.ask("PUT", "/v1/hold", &[], body.as_bytes())
}

fn change(daemon: &Daemon) -> Reply {
    daemon.ask("PATCH", "/v1/vms/box-0", &[], b"{\"vcpus\": 3}")
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["code"].as_str().unwrap_or_default().to_owned())
}

/// Every request that changes what is recorded or made.
const CHANGES: [(&str, &str, &str); 16] = [
    ("POST", "/v1/vms", r#"{"start": false, "delete_on_failure": true}"#),
    ("PATCH", "/v1/vms/box-0", "{}"),
    ("DELETE", "/v1/vms/box-0", ""),
    ("POST", "/v1/vms/box-0/start", ""),
    ("POST", "/v1/vms/box-0/stop", ""),
    ("POST", "/v1/vms/box-0/restart", ""),
    ("POST", "/v1/vms/box-0/kill", r#"{"signal": 9}"#),
    ("DELETE", "/v1/images/x", ""),
    ("POST", "/v1/images/build", r#"{"recipe": "debian-bookworm"}"#),
    ("POST", "/v1/images/import?name=x", "bytes"),
    ("POST", "/v1/images/promote", r#"{"vm": "box-0", "name": "x"}"#),
    ("POST", "/v1/images/prune", ""),
    ("DELETE", "/v1/kernels/x", ""),
    ("POST", "/v1/kernels/pull", "{}"),
    ("POST", "/v1/kernels/import?name=x", "bytes"),
    ("POST", "/v1/doctor/fix", ""),
];

#[test]
fn while_it_is_held_every_change_is_told_to_ask_again_and_what_is_read_is_answered() {
    let home = Home::new();
    home.fill(1);
    let daemon = Daemon::start(&home);
    let held = hold(&daemon, "update", 60).ok();
    assert_eq!(
        (&held["holder"], &held["in_flight"], &held["changes"]),
        (&json!("update"), &json!([]), &json!(0))
    );
    assert!(held["left_millis"].as_u64().unwrap() > 50_000, "{held}");
    for (method, path, body) in CHANGES {
        let reply = daemon.ask(method, path, &[], body.as_bytes());
        assert_eq!(code(&reply), (503, "held".to_owned()), "{method} {path}");
        assert_eq!(reply.header("retry-after").as_deref(), Some("0"), "{method} {path}");
    }
    for path in
        ["/v1/info", "/v1/vms", "/v1/vms/box-0", "/v1/images", "/v1/kernels", "/v1/operations", "/v1/census"]
    {
        assert_eq!(daemon.get(path).status, 200, "{path}");
    }
    assert_eq!(daemon.get("/v1/operations").ok(), json!([]), "none of them became an operation");
    assert_eq!(daemon.ask("DELETE", "/v1/hold?holder=update", &[], b"").status, 204);
    assert_eq!(change(&daemon).ok()["spec"]["vcpus"], 3);
}

#[test]
fn one_holds_at_a_time_and_a_holder_that_is_gone_holds_nobody_up() {
    let home = Home::new();
    home.fill(1);
    let daemon = Daemon::start(&home);
    hold(&daemon, "update", 5).ok();
    for other in [hold(&daemon, "me", 9), daemon.ask("DELETE", "/v1/hold?holder=me", &[], b"")] {
        assert_eq!(code(&other), (409, "in_use".to_owned()));
        assert!(other.json()["message"].as_str().unwrap().contains("update holds them"), "{}", other.json());
    }
    wait_until("it lapses", || (change(&daemon).status == 200).then_some(()));
    hold(&daemon, "me", 9).ok();
    for (holder, seconds) in [("", 9), ("a b", 9), (&*"x".repeat(65), 9), ("me", 0), ("me", 61)] {
        assert_eq!(
            code(&hold(&daemon, holder, seconds)),
            (400, "bad_request".to_owned()),
            "{holder:?} {seconds}"
        );
    }
}

#[test]
fn what_was_begun_before_goes_on_is_told_and_can_be_cancelled() {
    let home = Home::new();
    home.hang("apt-get");
    let daemon = Daemon::start(&home);
    let begun = daemon.ask("POST", "/v1/kernels/pull", &[("Idempotency-Key", "k")], b"{}");
    assert_eq!(begun.status, 202, "{}", begun.json());
    let op = begun.json()["op"].as_str().unwrap().to_owned();
    let held = hold(&daemon, "update", 60).ok();
    let in_flight = &held["in_flight"][0];
    assert_eq!((&in_flight["op"], &in_flight["kind"]), (&json!(op), &json!("kernel_pull")), "{held}");
    assert!(in_flight["began_at"].is_string());
    // Its answer is known, and asking for it again is no change.
    assert_eq!(
        daemon.ask("POST", "/v1/kernels/pull", &[("Idempotency-Key", "k")], b"{}").json()["op"],
        json!(op)
    );
    assert_eq!(daemon.ask("DELETE", &format!("/v1/operations/{op}"), &[], b"").status, 202);
    let last = daemon.get(&format!("/v1/operations/{op}/events")).lines().pop().unwrap();
    assert_eq!(last["failure"]["code"], "cancelled", "{last}");
    assert_eq!(hold(&daemon, "update", 60).ok()["in_flight"], json!([]));
}

#[test]
fn a_daemon_on_trial_holds_changes_from_its_start_until_its_updater_lets_go() {
    let home = Home::new();
    home.fill(1);
    let trial = home.path("state/banger/update/trial");
    fs::create_dir_all(trial.parent().unwrap()).unwrap();
    fs::write(&trial, "").unwrap();
    let stray = home.path("state/banger/vms/0123456789ab");
    fs::create_dir_all(&stray).unwrap();
    let daemon = Daemon::start(&home);
    assert_eq!(code(&change(&daemon)), (503, "held".to_owned()));
    assert_eq!(code(&hold(&daemon, "me", 9)), (409, "in_use".to_owned()));
    daemon.ready();
    assert!(stray.exists(), "the release before may know whose it is");
    hold(&daemon, "update", 10).ok();
    assert_eq!(daemon.ask("DELETE", "/v1/hold?holder=update", &[], b"").status, 204);
    assert_eq!(change(&daemon).status, 200);
}

#[test]
fn the_system_s_daemon_looks_for_the_system_s_trial_marker() {
    let home = Home::new();
    home.install();
    let trial = home.path("root/run/banger-root/trial");
    fs::create_dir_all(trial.parent().unwrap()).unwrap();
    fs::write(&trial, "").unwrap();
    let listener = UnixListener::bind(home.system_socket()).unwrap();
    let daemon = Daemon::start_of_system(&home, &listener);
    let create: Value = json!({ "start": false, "delete_on_failure": true });
    assert_eq!(code(&daemon.post("/v1/vms", &create.to_string())), (503, "held".to_owned()));
}

#[test]
fn the_census_counts_what_runs() {
    let home = Home::new();
    home.fill(2);
    let daemon = Daemon::start(&home);
    let census = daemon.get("/v1/census").ok();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(census["host_boot_id"], boot.trim());
    assert_eq!(census["machines"], json!([]), "nothing runs");
}
