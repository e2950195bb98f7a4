//! Sessions that have a connection each.

use std::{
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicUsize, Ordering},
};

use guest::{
    ExecStatus,
    client::{Connection, GuestError},
};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, net::UnixListener, time::timeout};

use crate::world::{LIMIT, World, carry_each_end, eventually, spawn};

#[tokio::test]
async fn commands_run_side_by_side_and_their_ends_are_told() {
    let world = World::start_over_vsock().await;
    let done = AtomicUsize::new(0);
    let run = async |number: usize| {
        let (status, out, err) = world.sh(&format!("cat; echo {number}; echo no >&2; exit 3")).await;
        assert_eq!((status, out, err), (ExecStatus::Exited(3), format!("{number}\n"), "no\n".to_owned()));
        done.fetch_add(1, Ordering::Relaxed);
    };
    tokio::join!(run(1), run(2), run(3), run(4));
    assert_eq!(done.load(Ordering::Relaxed), 4);
    let (status, out, _) = world.sh("head -c 3000000 /dev/zero").await;
    assert_eq!((status, out.len()), (ExecStatus::Exited(0), 3_000_000));
}

#[tokio::test]
async fn a_forward_carries_each_end_by_itself() {
    let world = World::start_over_vsock().await;
    carry_each_end(&world).await;
}

#[tokio::test]
async fn an_agent_that_begins_anew_is_found_again() {
    let world = World::start_over_vsock().await;
    let (_, out, _) = world.sh("echo $PPID").await;
    let worker = rustix::process::Pid::from_raw(out.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(worker, rustix::process::Signal::KILL).unwrap();
    world.until_up().await;
    assert_ne!(world.sh("echo $PPID").await.1, out);
}

#[tokio::test]
async fn without_a_guest_a_session_is_refused_and_the_link_ends_with_the_monitor() {
    let dir = TempDir::new().unwrap();
    let monitor = UnixListener::bind(dir.path().join("vsock.sock")).unwrap();
    let mut link = spawn(dir.path(), &["link", "--vsock", "vsock.sock", "--listen", "link.sock"]);
    let (lifeline, _) = timeout(LIMIT, monitor.accept()).await.unwrap().unwrap();
    let socket = dir.path().join("link.sock");
    eventually("the link listens", async || socket.exists()).await;
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let guest = Connection::in_dir(dir.path());
    let (asked, told) = tokio::join!(guest.health(), async {
        let (mut connection, _) = monitor.accept().await.unwrap();
        let mut heard = [0; 13];
        connection.read_exact(&mut heard).await.unwrap();
        heard
    });
    assert_eq!(&told, b"CONNECT 1024\n");
    assert!(matches!(asked, Err(GuestError::NotUp)), "{asked:?}");
    drop(lifeline);
    assert!(timeout(LIMIT, link.wait()).await.unwrap().unwrap().success());
}
