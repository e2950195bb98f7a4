//! Downloads from a real server on this machine, which behaves well or badly.

mod server;

use std::{
    error::Error as _,
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    time::Duration,
};

use download::{Cause, DownloadError, Fetch, Pace};
use model::Class;
use release::Url;
use server::Server;

/// Short enough for a test, and long enough for a busy machine.
fn pace() -> Pace {
    Pace {
        connect: Duration::from_secs(20),
        silence: Duration::from_secs(20),
        total: Duration::from_secs(20),
        window: Duration::from_secs(20),
        window_bytes_min: 1,
    }
}

fn fetch(url: &Url) -> Fetch<'_> {
    Fetch { what: "manifest", url, bytes_max: 1024 * 1024, pace: pace() }
}

fn text(error: &DownloadError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn failure(server: &Server) -> String {
    fetch(&server.url("/x"))
        .to_memory()
        .map_or_else(|error| text(&error), |came| format!("{} bytes came", came.len()))
}

#[test]
fn what_is_there_comes_whole_with_its_digest() {
    let content = b"banger\n".repeat(100_000);
    let server = Server::answering(&content);
    let dir = tempfile::tempdir().unwrap();
    let (path, mut seen) = (dir.path().join("tarball"), vec![]);
    let url = server.url("/tarball");
    let fetched = fetch(&url).to_file(&path, |bytes, of| seen.push((bytes, of))).unwrap();
    assert_eq!(fs::read(&path).unwrap(), content);
    assert_eq!(fetched.bytes, 700_000);
    // printf 'banger\n%.0s' $(seq 100000) | sha256sum
    let digest = "1de78888";
    assert_eq!(&fetched.digest.to_string()[..8], digest);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(seen.last(), Some(&(700_000, Some(700_000))));
    assert!(seen.is_sorted());
    assert_eq!(fetch(&url).to_memory().unwrap(), content);
    assert!(server.requests()[0].starts_with("GET /tarball HTTP/1.1\r\n"));
}

#[test]
fn a_status_is_told_in_the_servers_words() {
    for (status, expected) in [
        ("404 Not Found", "fetch manifest: HTTP 404 Not Found"),
        ("500 Internal Server Error", "fetch manifest: HTTP 500 Internal Server Error"),
        ("403 Forbidden", "fetch manifest: HTTP 403 Forbidden"),
        ("304 Not Modified", "fetch manifest: HTTP 304 Not Modified"),
    ] {
        let server = Server::with(move |mut client| {
            let _ = write!(client, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno");
        });
        assert_eq!(failure(&server), expected);
    }
}

#[test]
fn more_than_the_limit_is_refused_before_and_while_it_comes() {
    let told = Server::with(|mut client| {
        let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n");
    });
    assert_eq!(failure(&told), "fetch manifest: it is longer than 1048576 bytes");
    // An endless body, with no length and in pieces without end.
    let endless = Server::with(|mut client| {
        let _ = write!(client, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        while client.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert_eq!(failure(&endless), "fetch manifest: it is longer than 1048576 bytes");
    let chunked = Server::with(|mut client| {
        let _ = write!(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while client.write_all(b"4\r\nabcd\r\n").is_ok() {}
    });
    let error = fetch(&chunked.url("/x")).to_memory().unwrap_err();
    assert_eq!(text(&error), "fetch manifest: it is longer than 1048576 bytes");
    assert_eq!(error.class(), Class::Refused);
}

#[test]
fn what_is_cut_off_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tarball");
    for head in
        ["Content-Length: 1000\r\n\r\n0123456789", "Transfer-Encoding: chunked\r\n\r\n64\r\n0123456789"]
    {
        let server = Server::with(move |mut client| {
            let _ = write!(client, "HTTP/1.1 200 OK\r\n{head}");
        });
        let error = fetch(&server.url("/x")).to_file(&path, |_, _| ()).unwrap_err();
        assert!(
            text(&error).starts_with("fetch manifest: the connection ended after 10 bytes: "),
            "{}",
            text(&error)
        );
        assert!(!path.exists());
    }
    let nothing = Server::with(|_| ());
    assert!(
        failure(&nothing).starts_with("fetch manifest: the server cannot be asked: "),
        "{}",
        failure(&nothing)
    );
    let other = Server::with(|mut client| {
        let _ = write!(client, "SSH-2.0-OpenSSH_9.2\r\n");
    });
    assert!(
        failure(&other).starts_with("fetch manifest: the server cannot be asked: "),
        "{}",
        failure(&other)
    );
    let gone = Server::with(|_| ()).gone();
    let error = fetch(&gone).to_memory().unwrap_err();
    assert!(text(&error).contains("onnection refused"), "{}", text(&error));
    assert_eq!(error.hint().unwrap(), format!("It was asked for at {gone}"));
}

#[test]
fn a_server_that_keeps_the_line_open_is_left() {
    let until_left = |client: &mut std::net::TcpStream| {
        let _ = client.read(&mut [0; 1]);
    };
    let quick = |fetch: Fetch<'_>, silence, window_bytes_min| {
        let pace = Pace { silence, window: Duration::from_millis(200), window_bytes_min, ..pace() };
        text(&Fetch { pace, ..fetch }.to_memory().unwrap_err())
    };
    let silent = Server::with(move |mut client| until_left(&mut client));
    let answer = quick(fetch(&silent.url("/x")), Duration::from_millis(200), 1);
    assert!(answer.starts_with("fetch manifest: no answer in time ("), "{answer}");
    let stuck = Server::with(move |mut client| {
        let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0123");
        until_left(&mut client);
    });
    let answer = quick(fetch(&stuck.url("/x")), Duration::from_millis(200), 1);
    assert!(answer.starts_with("fetch manifest: no answer in time ("), "{answer}");
    // Never silent, and never fast: a byte whenever the last one is on its way.
    let slow = Server::with(|mut client| {
        let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while client.write_all(b"x").is_ok() {
            server::wait_a_little();
        }
    });
    let answer = quick(fetch(&slow.url("/x")), Duration::from_secs(20), 1_000_000);
    assert_eq!(answer, "fetch manifest: fewer than 1000000 bytes came in 0 s");
}

#[test]
fn a_server_may_send_on_and_not_for_ever() {
    let there = Server::answering(b"here");
    let target = there.url("/there").to_string();
    let moved = Server::with(move |mut client| {
        let _ = write!(client, "HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n");
    });
    assert_eq!(fetch(&moved.url("/x")).to_memory().unwrap(), b"here");
    let circle = Server::with(|mut client| {
        let _ = write!(client, "HTTP/1.1 301 Moved\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n");
    });
    assert_eq!(failure(&circle), "fetch manifest: the server sent on 5 times");
    assert_eq!(circle.requests().len(), 6);
    for (location, expected) in [
        ("Location: http://example.org/x\r\n", "http is only for this machine itself; https is needed"),
        ("Location: ftp://127.0.0.1/x\r\n", "it must begin with https://"),
        ("", "the server sends on, and does not say where"),
    ] {
        let away = Server::with(move |mut client| {
            let _ = write!(client, "HTTP/1.1 307 X\r\n{location}Content-Length: 0\r\n\r\n");
        });
        assert!(failure(&away).ends_with(expected), "{}", failure(&away));
    }
}

#[test]
fn a_file_that_is_there_is_left_as_it_was() {
    let server = Server::answering(b"new");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tarball");
    fs::write(&path, "old").unwrap();
    let error = fetch(&server.url("/x")).to_file(&path, |_, _| ()).unwrap_err();
    assert!(matches!(error.cause, Cause::NotWritten { .. }), "{}", text(&error));
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_file_that_cannot_be_made_is_named() {
    let server = Server::answering(b"new");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("gone/tarball");
    let error = fetch(&server.url("/x")).to_file(&path, |_, _| ()).unwrap_err();
    assert!(
        text(&error).starts_with(&format!("fetch manifest: write {}: ", path.display())),
        "{}",
        text(&error)
    );
    assert!(error.hint().unwrap().contains("can be written to"), "{:?}", error.hint());
}
