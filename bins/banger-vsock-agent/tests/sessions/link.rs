//! The link: before there is a guest, when the guest's agent begins anew, ports, files.

use std::{os::unix::fs::PermissionsExt, sync::atomic::Ordering};

use crate::world::{LIMIT, World, carry_each_end, eventually, shell, spawn};
use futures::SinkExt;
use guest::{
    ExecStatus,
    client::{Connection, GuestError},
    frame::Frame,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    time::timeout,
};

#[tokio::test]
async fn before_the_guest_is_up_a_connection_is_closed_at_once() {
    let dir = TempDir::new().unwrap();
    let monitor = UnixListener::bind(dir.path().join("serial.sock")).unwrap();
    let mut link = spawn(dir.path(), &["link", "--serial", "serial.sock", "--listen", "link.sock"]);
    let socket = dir.path().join("link.sock");
    eventually("the link listens", async || socket.exists()).await;
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let (port, _) = monitor.accept().await.unwrap();
    let mut client = UnixStream::connect(&socket).await.unwrap();
    assert_eq!(timeout(LIMIT, client.read(&mut [0; 8])).await.unwrap().unwrap(), 0);
    let error = Connection::in_dir(dir.path()).health().await.unwrap_err();
    assert!(matches!(error, GuestError::NotUp), "{error:?}");
    // The monitor ends, and so does the link.
    drop(port);
    assert!(timeout(LIMIT, link.wait()).await.unwrap().unwrap().success());
}

#[tokio::test]
async fn a_port_that_is_taken_stops_the_link_before_anything_else() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let publish = format!("{}:80", taken.local_addr().unwrap().port());
    let dir = TempDir::new().unwrap();
    let args = ["link", "--serial", "serial.sock", "--listen", "link.sock", "--publish", &publish];
    let output = timeout(LIMIT, spawn(dir.path(), &args).wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.lines().count() == 1 && said.contains("Address already in use"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn an_agent_that_begins_anew_is_found_again() {
    let world = World::start(&[]).await;
    for round in 1..=3 {
        // In the middle of a stream, so that frames are in flight.
        let mut session = world.guest.exec(&shell("yes")).await.unwrap();
        let workers = world.workers.load(Ordering::Relaxed);
        let (_, out, _) = world.sh("echo $PPID").await;
        let worker: i32 = out.trim().parse().unwrap();
        let worker = rustix::process::Pid::from_raw(worker).unwrap();
        rustix::process::kill_process(worker, rustix::process::Signal::KILL).unwrap();
        eventually("there is another worker", async || world.workers.load(Ordering::Relaxed) > workers).await;
        world.until_up().await;
        let (status, out, _) = world.sh("echo again").await;
        assert_eq!((status, out.as_str()), (ExecStatus::Exited(0), "again\n"), "round {round}");
        // The old session ends in an error and not in silence.
        let _ = session.send(Frame::StdinEnd).await;
    }
}

#[tokio::test]
async fn a_forward_carries_each_end_by_itself() {
    let world = World::start(&[]).await;
    let port = carry_each_end(&world).await;
    let refused = world.guest.forward(port).await.unwrap_err();
    assert!(matches!(refused, GuestError::Refused { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_client_that_vanishes_after_its_end_ends_the_forward() {
    let world = World::start(&[]).await;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port().to_string().parse().unwrap();
    let mut client = world.guest.forward(port).await.unwrap();
    let (mut accepted, _) = server.accept().await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(timeout(LIMIT, accepted.read(&mut [0; 1])).await.unwrap().unwrap(), 0);
    drop(client);
    let flood = async { while accepted.write_all(&[0; 4096]).await.is_ok() {} };
    timeout(LIMIT, flood).await.expect("the server learns that nobody reads");
}

#[tokio::test]
async fn published_ports_lead_into_the_guest() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let publish = format!("0:{}", server.local_addr().unwrap().port());
    let world = World::start(&[&publish]).await;
    let ports = std::fs::read(world.dir.path().join("ports.json")).unwrap();
    let ports: serde_json::Value = serde_json::from_slice(&ports).unwrap();
    let host = u16::try_from(ports[0]["host"].as_u64().unwrap()).unwrap();
    tokio::spawn(async move {
        while let Ok((mut accepted, _)) = server.accept().await {
            let (mut reader, mut writer) = accepted.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        }
    });
    for _ in 0..3 {
        let mut client = TcpStream::connect(("127.0.0.1", host)).await.unwrap();
        client.write_all(b"there and back").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        timeout(LIMIT, client.read_to_string(&mut heard)).await.unwrap().unwrap();
        assert_eq!(heard, "there and back");
    }
}

#[tokio::test]
async fn a_tree_comes_back_as_it_went_in() {
    let world = World::start(&[]).await;
    let here = TempDir::new().unwrap();
    let (from, to) = (here.path().join("from"), here.path().join("to"));
    std::fs::create_dir_all(from.join("dir/empty")).unwrap();
    std::fs::write(from.join("dir/file with space"), vec![7; 3 << 20]).unwrap();
    std::fs::write(from.join("run"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(from.join("run"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("dir/file with space", from.join("link")).unwrap();
    let mut tar = vec![];
    let mut reader = world.guest.get_tree(from.to_str().unwrap()).await.unwrap();
    timeout(LIMIT, reader.read_to_end(&mut tar)).await.unwrap().unwrap();
    let target = to.to_str().unwrap();
    let written =
        timeout(LIMIT, world.guest.put_tree(target, std::io::Cursor::new(tar))).await.unwrap().unwrap();
    assert_eq!((written.entries, written.bytes), (6, (3 << 20) + 10));
    let diff = std::process::Command::new("diff").arg("-r").arg(&from).arg(to.join("from")).status().unwrap();
    assert!(diff.success());
    let link = std::fs::read_link(to.join("from/link")).unwrap();
    assert_eq!(link.to_str(), Some("dir/file with space"));
    let mode = std::fs::metadata(to.join("from/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[tokio::test]
async fn a_tree_that_cannot_be_moved_is_refused() {
    let world = World::start(&[]).await;
    let missing = world.guest.get_tree("/no/such/file").await.unwrap_err();
    assert!(matches!(missing, GuestError::Refused { status: 404, .. }), "{missing:?}");
    assert_eq!(missing.to_string(), "read /no/such/file: No such file or directory");
    let nonsense = world.guest.put_tree("/tmp", &b"this is no archive, and it is long enough"[..]).await;
    assert!(nonsense.is_err());
    let relative = world.guest.get_tree("relative").await.unwrap_err();
    assert!(matches!(relative, GuestError::Refused { status: 400, .. }), "{relative:?}");
}

#[tokio::test]
async fn a_directory_of_any_length_holds_a_link() {
    let world = World::start(&[]).await;
    let long = world.dir.path().join("x".repeat(200));
    std::fs::create_dir(&long).unwrap();
    std::fs::rename(world.dir.path().join("link.sock"), long.join("link.sock")).unwrap();
    assert_eq!(Connection::in_dir(&long).health().await.unwrap().generation, guest::GENERATION);
    assert!(Connection::in_dir(&long).stats().await.unwrap().memory_total_bytes > 0);
    assert!(Connection::in_dir(&long).ports().await.is_ok());
}
