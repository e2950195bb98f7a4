//! The client against a listener that says exactly what the test has written down.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::{
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use api::client::{Client, ClientError, Upload};
use api::{Code, Event, HOLDER_UPDATE, Hold, MonitorProcess, VmCreate};
use model::OpId;

/// Reads one request: its head, and a body of the length that the head tells.
fn read_request(stream: &mut UnixStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head.to_ascii_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length: ").map(|length| length.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

/// Answers each connection with the next of `replies`, then hangs up; returns what was asked.
fn serve(dir: &Path, replies: Vec<String>) -> (PathBuf, JoinHandle<Vec<String>>) {
    let path = dir.join("bangerd.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || {
        let answer = |reply: String| {
            let (mut stream, _) = listener.accept().unwrap();
            let request = read_request(&mut stream);
            stream.write_all(reply.as_bytes()).unwrap();
            request
        };
        replies.into_iter().map(answer).collect()
    });
    (path, server)
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

const OP: &str = "op-000000000001";

fn op() -> OpId {
    OP.parse().unwrap()
}

fn key_of(request: &str) -> Option<String> {
    request.lines().find_map(|line| line.strip_prefix("idempotency-key: ").map(str::to_owned))
}

#[tokio::test]
async fn a_busy_daemon_is_asked_again_with_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let busy = reply("503 Service Unavailable", "retry-after: 0\r\n", "");
    let done = reply("202 Accepted", "banger-version: v9.9.9\r\n", &format!(r#"{{"op":"{OP}"}}"#));
    let (socket, server) = serve(dir.path(), vec![busy.clone(), busy, done]);
    let client = Client::new(socket);
    let accepted = client.vm_create(&VmCreate::default()).await.unwrap();
    assert_eq!(accepted.op, op());
    assert_eq!(client.daemon_version().as_deref(), Some("v9.9.9"));
    let keys: Vec<_> = server.join().unwrap().iter().map(|request| key_of(request)).collect();
    assert!(keys[0].is_some() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn events_go_on_after_the_last_one_that_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let stage = |seq| format!(r#"{{"seq":{seq},"at_millis":{seq},"event":"stage","name":"s{seq}"}}"#);
    let gone = r#"{"seq":4,"at_millis":9,"event":"done","outcome":"gone"}"#;
    // The first connection is cut in the middle of a line, the second repeats what was seen.
    let first = format!("{}\n{}\n{}", stage(1), stage(2), &stage(3)[..20]);
    let second = format!("{}\n{}\n{gone}\n", stage(2), stage(3));
    let (socket, server) = serve(dir.path(), vec![reply("200 OK", "", &first), reply("200 OK", "", &second)]);
    let mut events = Client::new(socket).events(op());
    let mut seen = vec![];
    while let Some(record) = events.next().await.unwrap() {
        seen.push(record.seq);
        if record.seq == 4 {
            assert!(matches!(record.event, Event::Done { .. }));
        }
    }
    assert_eq!(seen, [1, 2, 3, 4]);
    let asked = server.join().unwrap();
    assert!(asked[0].starts_with(&format!("GET /v1/operations/{OP}/events?after=0 ")), "{asked:?}");
    assert!(asked[1].starts_with(&format!("GET /v1/operations/{OP}/events?after=2 ")), "{asked:?}");
}

#[tokio::test]
async fn a_daemon_that_does_not_know_the_operation_was_restarted() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = reply("404 Not Found", "", r#"{"code":"not_found","message":"no such operation"}"#);
    let (socket, _server) = serve(dir.path(), vec![reply("200 OK", "", ""), unknown]);
    let error = Client::new(socket).events(op()).next().await.unwrap_err();
    assert!(matches!(error, ClientError::Restarted { .. }), "{error:?}");
}

#[tokio::test]
async fn replies_that_make_no_sense_are_errors_of_their_own_kind() {
    let failure = r#"{"code":"host_lacks","message":"start box: no QEMU","hint":"apt install it","op":"op-000000000001"}"#;
    let table = [
        (reply("424 Failed Dependency", "", failure), "Refused"),
        (reply("200 OK", "", "{"), "Protocol"),
        (reply("500 Internal Server Error", "", "oops"), "Protocol"),
        (reply("404 Not Found", "", ""), "Protocol"),
    ];
    for (text, want) in table {
        let dir = tempfile::tempdir().unwrap();
        let (socket, _server) = serve(dir.path(), vec![text.clone()]);
        let error = Client::new(socket).info().await.unwrap_err();
        assert!(format!("{error:?}").starts_with(want), "{text}: {error:?}");
        if want == "Refused" {
            assert_eq!(error.to_string(), "start box: no QEMU");
            assert_eq!(error.hint().as_deref(), Some("apt install it"));
            assert_eq!(error.op(), Some(&op()));
        }
    }
}

#[tokio::test]
async fn what_a_daemon_hung_up_on_is_asked_again_a_change_with_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let accepted = reply("202 Accepted", "", &format!(r#"{{"op":"{OP}"}}"#));
    let replies = vec![String::new(), reply("200 OK", "", "[]"), String::new(), accepted];
    let (socket, server) = serve(dir.path(), replies);
    let client = Client::new(socket);
    assert_eq!(client.vms().await.unwrap(), []);
    assert_eq!(client.vm_delete("box").await.unwrap().op, op());
    let asked = server.join().unwrap();
    assert_eq!(key_of(&asked[2]), key_of(&asked[3]));
    assert!(key_of(&asked[2]).is_some());
}

#[tokio::test]
async fn a_daemon_that_hangs_up_each_time_is_not_asked_for_ever_and_one_that_is_to_end_but_once() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, server) = serve(dir.path(), vec![String::new(); 5]);
    let client = Client::new(socket);
    let error = client.vm_delete("box").await.unwrap_err();
    assert!(matches!(error, ClientError::Lost { .. }), "{error:?}");
    let error = client.shutdown().await.unwrap_err();
    assert!(matches!(error, ClientError::Lost { .. }), "{error:?}");
    assert_eq!(server.join().unwrap().len(), 5);
}

#[tokio::test]
async fn a_daemon_that_comes_back_within_seconds_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, first) = serve(dir.path(), vec![String::new()]);
    let next = dir.path().to_owned();
    let second = thread::spawn(move || {
        first.join().unwrap();
        std::fs::remove_file(next.join("bangerd.sock")).unwrap();
        let (_, server) = serve(&next, vec![reply("202 Accepted", "", &format!(r#"{{"op":"{OP}"}}"#))]);
        server.join().unwrap()
    });
    assert_eq!(Client::new(socket).vm_start("box").await.unwrap().op, op());
    assert_eq!(second.join().unwrap().len(), 1);
}

#[tokio::test]
async fn a_daemon_that_is_expected_is_waited_for_and_no_longer_than_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, mark) = (dir.path().join("bangerd.sock"), dir.path().join("mark"));
    std::fs::write(&mark, "").unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, there) = (Arc::clone(&asked), mark.clone());
    let client = Client::new(socket).expecting(move || {
        count.fetch_add(1, Ordering::Relaxed);
        there.exists()
    });
    let at = dir.path().to_owned();
    let looked = Arc::clone(&asked);
    let server = thread::spawn(move || {
        // It was looked for in vain more than once.
        while looked.load(Ordering::Relaxed) < 3 {
            thread::yield_now();
        }
        serve(&at, vec![reply("200 OK", "", "[]")]).1.join().unwrap()
    });
    assert_eq!(client.vms().await.unwrap(), []);
    assert_eq!(server.join().unwrap().len(), 1);

    std::fs::remove_file(mark).unwrap();
    let error = client.vms().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn who_waits_for_seconds_is_told_once_why() {
    let dir = tempfile::tempdir().unwrap();
    let held = reply(
        "503 Service Unavailable",
        "retry-after: 1\r\n",
        r#"{"code":"held","message":"change something: update holds all changes"}"#,
    );
    let done = reply("202 Accepted", "", &format!(r#"{{"op":"{OP}"}}"#));
    let (socket, _server) = serve(dir.path(), vec![held.clone(), held.clone(), held.clone(), held, done]);
    let told = Arc::new(Mutex::new(vec![]));
    let teller = Arc::clone(&told);
    let client = Client::new(socket).telling(move |failure| teller.lock().unwrap().push(failure.code));
    client.vm_stop("box").await.unwrap();
    assert_eq!(*told.lock().unwrap(), [Code::Held]);
}

#[tokio::test]
async fn holding_and_counting_are_asked_as_the_contract_says() {
    let dir = tempfile::tempdir().unwrap();
    let told = r#"{"holder":"update","left_millis":9000,"in_flight":[],"changes":1}"#;
    let boot = "01234567-89ab-cdef-0123-456789abcdef";
    let census = format!(
        r#"{{"host_boot_id":"{boot}","machines":[{{"id":"0123456789ab","name":"box","state":"running",
            "monitor":{{"pid":7,"started_ticks":9}},"boot_id":"{boot}","why":null}}]}}"#
    );
    let replies = vec![
        reply("200 OK", "", told),
        reply("200 OK", "", &told.replace(":1}", ":0}")),
        reply("204 No Content", "", ""),
        reply("200 OK", "", &census),
    ];
    let (socket, server) = serve(dir.path(), replies);
    let client = Client::new(socket);
    let hold = Hold { holder: HOLDER_UPDATE.to_owned(), seconds: 10 };
    assert!(!client.hold(&hold).await.unwrap().is_drained());
    assert!(client.hold(&hold).await.unwrap().is_drained());
    client.release(HOLDER_UPDATE).await.unwrap();
    let counted = client.census().await.unwrap().machines.remove(0);
    assert_eq!(counted.monitor, Some(MonitorProcess { pid: 7, started_ticks: 9 }));
    let asked = server.join().unwrap();
    assert!(
        asked[0].starts_with("PUT /v1/hold ") && asked[0].ends_with(r#"{"holder":"update","seconds":10}"#)
    );
    assert!(asked[2].starts_with("DELETE /v1/hold?holder=update "), "{}", asked[2]);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_sent_as_if_it_were_whole() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("bangerd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = thread::spawn(move || {
        let mut got = Vec::new();
        listener.accept().unwrap().0.read_to_end(&mut got).ok();
        got
    });
    let upload = Upload::new(|out| {
        out.write_all(b"half of it")?;
        Err(std::io::Error::other("a bad sector"))
    });
    let error = Client::new(socket).image_import(&"x".parse().unwrap(), upload).await.unwrap_err();
    assert!(matches!(error, ClientError::Upload { .. }), "{error:?}");
    // The last chunk of a whole body has the length 0.
    assert!(!server.join().unwrap().ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    let error = Client::new(dir.path().join("none.sock")).vms().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_daemon_that_takes_connections_and_answers_none_is_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, server) = serve(dir.path(), vec![String::new()]);
    let error = Client::new(socket).probe().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
    assert_eq!(server.join().unwrap().len(), 1);
}
