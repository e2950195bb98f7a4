//! What an update does to a daemon: it holds changes, counts, and has it become its successor.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    time::Duration,
};

use serde_json::{Value, json};
use smoke::{Host, on_plain, wait::wait_for};

use super::look::{Bystander, boot_id, daemon, machine, settled};

const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Asks the daemon over its socket; `None` where it hangs up, as one that restarts may. Returns status and body.
fn ask(host: &Host, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
    // By the directory's descriptor: its path may be longer than an address of a socket can be.
    let dir = File::open(host.dir().join("run/banger")).unwrap();
    let socket = format!("/proc/self/fd/{}/bangerd.sock", dir.as_raw_fd());
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(ANSWER_LIMIT)).unwrap();
    let length = body.len();
    let request =
        format!("{method} {path} HTTP/1.0\r\nhost: banger\r\ncontent-length: {length}\r\n\r\n{body}");
    let mut reply = String::new();
    stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut reply)).ok()?;
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).unwrap_or_default()))
}

fn started_at(host: &Host) -> Option<Value> {
    ask(host, "GET", "/v1/info", "").map(|(_, mut info)| info["started_at"].take())
}

#[track_caller]
fn restart(host: &Host) {
    let before = started_at(host);
    assert_eq!(ask(host, "POST", "/v1/restart", "").unwrap().0, 202);
    wait_for("the next daemon", ANSWER_LIMIT, || started_at(host).is_some_and(|at| Some(at) != before));
}

#[test]
fn daemon_restart_keeps_machines_and_sessions() {
    on_plain(|host| {
        let stays = Bystander::boot(host.with_guests());
        let before = daemon(host);
        let census = ask(host, "GET", "/v1/census", "").unwrap().1;
        let counted = &census["machines"][0];
        let monitor = machine(host, "stays").monitor.unwrap();
        assert_eq!(counted["monitor"], json!({ "pid": monitor.pid, "started_ticks": monitor.started }));
        assert_eq!(counted["boot_id"], boot_id(host, "stays").trim());

        let script = "i=0; while [ $i -lt 60 ]; do echo $i; i=$((i + 1)); sleep 0.1; done";
        let mut session = host.banger(["vm", "exec", "stays", "--", "sh", "-c", script]).start();
        session.wait_for_text("3\n");
        for _ in 0..3 {
            restart(host);
            stays.assert_stays(host);
        }
        let ticks = session.finish().ok().stdout();
        assert_eq!(ticks.lines().count(), 60, "{ticks}");
        assert_eq!(daemon(host), before, "it is one process all the time");
        assert_eq!(ask(host, "GET", "/v1/census", "").unwrap().1, census, "the same machines");
        settled(host);

        // A machine of before ends as one of now, and nothing is left of it in the list of processes.
        stays.delete(host);
    });
}

#[test]
fn a_change_waits_for_the_end_of_a_hold_and_says_so() {
    on_plain(|host| {
        host.with_guests().banger(["vm", "create", "--name", "box", "--no-start"]).run().ok();
        let asked = json!({ "holder": "update", "seconds": 60 }).to_string();
        let held = ask(host, "PUT", "/v1/hold", &asked).unwrap();
        assert_eq!((held.0, &held.1["in_flight"]), (200, &json!([])));
        assert_eq!(host.vm("box")["state"], "created", "what is read is answered");
        let vcpus = || host.vm("box")["spec"]["vcpus"].take();
        let before = vcpus();
        let mut changing = host.banger(["vm", "set", "box", "--vcpu", "1"]).start();
        changing.wait_for_text("waiting: an update is on trial");
        assert_eq!((vcpus(), before == 1), (before, false), "nothing is changed meanwhile");
        assert_eq!(ask(host, "DELETE", "/v1/hold?holder=update", "").unwrap().0, 204);
        let changed = changing.finish().ok();
        assert_eq!(changed.stderr().matches("waiting").count(), 1, "{}", changed.stderr());
        assert_eq!(vcpus(), 1);
        host.banger(["vm", "delete", "box"]).run().ok();
    });
}
