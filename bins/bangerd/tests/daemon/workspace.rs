//! Which repository is in a machine.

use serde_json::{Value, json};

use crate::harness::{Daemon, Home};

const PATH: &str = "/v1/vms/box-0/workspace";

fn put(daemon: &Daemon, path: &str, workspace: &Value) -> (u16, Value) {
    let reply = daemon.ask("PUT", path, &[], workspace.to_string().as_bytes());
    (reply.status, reply.json())
}

#[test]
fn a_workspace_is_kept_as_it_was_told_and_taken_away() {
    let home = Home::new();
    home.fill(1);
    let daemon = Daemon::start(&home);
    let asked = json!({
        "host_path": "/home/u/app",
        "guest_path": "/root/repo",
        "commit": "0123",
        "copied": { "include_untracked": true, "branch": "fix", "mark": "ab" },
    });
    let (status, vm) = put(&daemon, PATH, &asked);
    assert_eq!((status, &vm["workspace"]["commit"]), (200, &json!("0123")));
    daemon.stop();

    let daemon = Daemon::start(&home);
    let kept = daemon.get("/v1/vms/box-0").ok()["workspace"].take();
    assert_eq!(kept["copied"]["branch"], "fix");
    assert_eq!(
        (&kept["copied"]["include_untracked"], &kept["copied"]["readonly"]),
        (&json!(true), &json!(false))
    );
    // What cannot be is refused, and changes nothing.
    for (key, value) in [
        ("host_path", json!("app")),
        ("guest_path", json!("repo")),
        ("commit", json!("0".repeat(5000))),
        ("copied", json!({ "branch": "x".repeat(5000) })),
    ] {
        let mut bad = asked.clone();
        bad[key] = value;
        assert_eq!(put(&daemon, PATH, &bad).0, 400, "{key}");
    }
    assert_eq!(put(&daemon, "/v1/vms/nobody/workspace", &asked).0, 404);
    assert_eq!(daemon.get("/v1/vms/box-0").ok()["workspace"], kept);
    // An older client tells less.
    let plain = json!({ "host_path": "/a", "guest_path": "/b", "commit": "c" });
    assert_eq!(put(&daemon, PATH, &plain).0, 200);

    assert_eq!(daemon.ask("DELETE", PATH, &[], b"").json()["workspace"], Value::Null);
    assert_eq!(daemon.ask("DELETE", PATH, &[], b"").status, 200);
    daemon.stop();
}
