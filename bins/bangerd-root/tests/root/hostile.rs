//! Calls that are none, or that somebody else makes.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    wire::{as_user, call, head, send},
    world::{OWNER, STRANGER, World, op},
};

/// Every call of these is refused with its status and its words, and the helper goes on serving.
#[tokio::test]
async fn calls_that_mean_nothing_are_refused_one_by_one() {
    let world = World::new().serving().await;
    let whole = String::from_utf8(call("hello", "{}")).unwrap();
    let with = |from: &str, to: &str| whole.replace(from, to).into_bytes();
    let long = "x".repeat(32 * 1024);
    let table: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("no HTTP", b"hello\r\n\r\n".to_vec(), 400, ""),
        ("another method", with("POST", "GET"), 400, "GET is not how an operation is asked for"),
        ("another version of the contract", with("/v1/", "/v2/"), 400, "/v2/hello is no operation of /v1"),
        ("no path", with("/v1/hello", "/"), 400, "/ is no operation"),
        ("a path with a line in it", with("/v1/hello", "/v1/hello%0a"), 400, "no operation \\\"hello%0a\\\""),
        ("an unknown operation", with("/v1/hello", "/v1/exec"), 400, "there is no operation \\\"exec\\\""),
        ("a longer path", with("/v1/hello", "/v1/hello/../launch"), 400, "there is no operation"),
        ("another release", with(privileged::RELEASE, "v999.0.0"), 412, "the caller says v999.0.0"),
        ("no release", with("banger-version", "other"), 412, "the caller says no release"),
        ("no operation of the caller's", with("op-000102fdfeff", "x"), 400, "names no operation"),
        ("an unknown field", call("hello", "{\"as\":\"root\"}"), 400, "unknown field `as`"),
        ("no JSON", call("hello", "hello"), 400, "its body cannot be read"),
        ("deep JSON", call("hello", &"[".repeat(10_000)), 400, "its body cannot be read"),
        (
            "a field twice",
            call("end", "{\"id\":\"000102fdfeff\",\"id\":\"000102fdfeff\"}"),
            400,
            "duplicate field",
        ),
        ("an id that is a path", call("end", "{\"id\":\"../../../etc\"}"), 400, "is not a machine id"),
        (
            "a name with a space",
            call("lease", "{\"id\":\"000102fdfeff\",\"name\":\"a b\",\"nat\":true}"),
            400,
            "is not a machine name",
        ),
        (
            "a name with a slash",
            call("lease", "{\"id\":\"000102fdfeff\",\"name\":\"a/b\",\"nat\":true}"),
            400,
            "is not a machine name",
        ),
        (
            "a name with a line",
            call("lease", "{\"id\":\"000102fdfeff\",\"name\":\"a\\n1.2.3.4 b\",\"nat\":true}"),
            400,
            "is not a machine name",
        ),
        (
            "a signal that is not listed",
            call("signal", "{\"id\":\"000102fdfeff\",\"signal\":11}"),
            400,
            "may not be sent",
        ),
        ("a machine that has no lease", call("launch", "{}"), 400, "missing field"),
        ("a long head", with("host: banger", &format!("host: banger\r\nx: {long}")), 431, ""),
    ];
    for (what, bytes, status, words) in table {
        let (answered, body) = send(&world.socket(), &bytes);
        assert_eq!(answered, status, "{what}: {body}");
        assert!(body.contains(words), "{what}: {body}");
        assert!(world.client().hello(&op()).await.is_ok(), "after {what}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_is_not_read_to_its_end() {
    let world = World::new().serving().await;
    let ten_mib = 10 * 1024 * 1024;
    let told = [head("hello", ten_mib).into_bytes(), vec![b' '; ten_mib]].concat();
    let (status, body) = send(&world.socket(), &told);
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("longer than 65536 bytes"), "{body}");

    // One that does not say how long it is.
    let head = head("hello", 0).replace("content-length: 0", "transfer-encoding: chunked");
    let chunks = format!("10000\r\n{}\r\n", " ".repeat(0x10000)).repeat(160);
    let (status, body) = send(&world.socket(), format!("{head}{chunks}0\r\n\r\n").as_bytes());
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("longer than 65536 bytes"), "{body}");
    assert!(world.client().hello(&op()).await.is_ok());
}

#[tokio::test]
async fn only_root_and_the_owner_are_heard_whatever_the_sockets_mode() {
    let world = World::new().serving().await;
    fs::set_permissions(world.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    for (uid, is_heard) in [(0, true), (OWNER, true), (STRANGER, false), (1, false)] {
        let (socket, bytes) = (world.socket(), call("hello", "{}"));
        let (status, body) = as_user(uid, move || send(&socket, &bytes));
        assert_eq!(
            (status, body.is_empty()),
            if is_heard { (200, false) } else { (0, true) },
            "user {uid}: {body}"
        );
    }
    assert!(world.log().contains("a connection of another user was closed"));
}

#[tokio::test]
async fn every_call_is_in_the_log_with_the_operation_of_its_caller() {
    let world = World::new().serving().await;
    world.client().hello(&op()).await.unwrap();
    let line = "op=op-010203040506 operation=\"hello\"";
    crate::world::wait_until("the call is in the log", || world.log().contains(line)).await;
}
