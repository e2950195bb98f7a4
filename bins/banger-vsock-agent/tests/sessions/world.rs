//! A link and an agent, each a process of its own, with a pair of sockets where a monitor has its port.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use guest::{
    ExecRequest, ExecStatus,
    client::{Connection, ExecSession},
    frame::Frame,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream, unix::OwnedReadHalf, unix::OwnedWriteHalf},
    process::{Child, Command},
    time::{sleep, timeout},
};

/// No condition in these tests takes longer to come true.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

const AGENT: &str = env!("CARGO_BIN_EXE_banger-vsock-agent");

pub(crate) struct World {
    pub(crate) dir: TempDir,
    _link: Child,
    pub(crate) guest: Connection,
    /// How many workers have connected to the port so far.
    pub(crate) workers: Arc<AtomicUsize>,
    supervisor: Child,
}

impl World {
    /// Starts everything, and waits until the guest answers.
    pub(crate) async fn start(publish: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        let link_end = UnixListener::bind(dir.path().join("serial.sock")).unwrap();
        let guest_end = UnixListener::bind(dir.path().join("port.sock")).unwrap();
        let workers = Arc::new(AtomicUsize::new(0));
        tokio::spawn(port(link_end, guest_end, workers.clone()));
        let mut args = vec!["link", "--serial", "serial.sock", "--listen", "link.sock"];
        args.extend(publish.iter().flat_map(|publish| ["--publish", *publish]));
        let link = spawn(dir.path(), &args);
        let supervisor = spawn(dir.path(), &["serve", "--port", "port.sock"]);
        let guest = Connection::in_dir(dir.path());
        let world = Self { dir, _link: link, guest, workers, supervisor };
        world.until_up().await;
        world
    }

    /// The same over vsock: a monitor that takes one connection a session.
    pub(crate) async fn start_over_vsock() -> Self {
        let dir = TempDir::new().unwrap();
        let link_end = UnixListener::bind(dir.path().join("vsock.sock")).unwrap();
        tokio::spawn(vsock(link_end, dir.path().join("guest.sock")));
        let link = spawn(dir.path(), &["link", "--vsock", "vsock.sock", "--listen", "link.sock"]);
        let supervisor = spawn(dir.path(), &["serve", "--vsock", "guest.sock"]);
        let guest = Connection::in_dir(dir.path());
        let world = Self { dir, _link: link, guest, workers: Arc::default(), supervisor };
        world.until_up().await;
        world
    }

    pub(crate) async fn until_up(&self) {
        eventually("the guest answers", async || self.guest.health().await.is_ok()).await;
    }

    /// Runs a shell command to its end; returns its status, stdout and stderr.
    pub(crate) async fn sh(&self, script: &str) -> (ExecStatus, String, String) {
        let mut session = self.guest.exec(&shell(script)).await.unwrap();
        session.send(Frame::StdinEnd).await.unwrap();
        let (status, out, err) = collect(&mut session).await;
        (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }
}

impl Drop for World {
    /// Ends the worker too, which nothing else ends where it waits for connections.
    fn drop(&mut self) {
        let Some(pid) = self.supervisor.id() else { return };
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let _ended = self.supervisor.start_kill();
        for worker in children.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()) {
            let Some(worker) = rustix::process::Pid::from_raw(worker) else { continue };
            let _ended = rustix::process::kill_process(worker, rustix::process::Signal::KILL);
        }
    }
}

pub(crate) fn shell(script: &str) -> ExecRequest {
    ExecRequest { argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(), ..ExecRequest::default() }
}

/// Reads a session to its end.
pub(crate) async fn collect(session: &mut ExecSession) -> (ExecStatus, Vec<u8>, Vec<u8>) {
    let (mut out, mut err) = (vec![], vec![]);
    let status = timeout(LIMIT, async {
        loop {
            let frame = session.next().await;
            match frame.unwrap_or_else(|| panic!("no status after {out:?} {err:?}")).unwrap() {
                Frame::Stdout(bytes) => out.extend_from_slice(&bytes),
                Frame::Stderr(bytes) => err.extend_from_slice(&bytes),
                Frame::Started => {}
                Frame::Ended(status) => return status,
                other => panic!("{other:?}"),
            }
        }
    });
    (status.await.expect("the command ends in time"), out, err)
}

pub(crate) fn spawn(dir: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(AGENT);
    command.args(args).current_dir(dir).stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waited = timeout(LIMIT, async {
        while !is_so().await {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "within {LIMIT:?}: {what}");
}

/// The port as a monitor has it: one client, for its whole life; the guest's side comes and goes.
async fn port(link_end: UnixListener, guest_end: UnixListener, workers: Arc<AtomicUsize>) {
    let (link, _) = link_end.accept().await.unwrap();
    let (mut from_link, mut to_link) = link.into_split();
    loop {
        let (guest, _) = guest_end.accept().await.unwrap();
        workers.fetch_add(1, Ordering::Relaxed);
        let (mut from_guest, mut to_guest) = guest.into_split();
        tokio::select! {
            () = pass(&mut from_link, &mut to_guest) => {}
            () = pass(&mut from_guest, &mut to_link) => {}
        }
    }
}

/// A monitor's vsock socket as Firecracker has it: it connects who asks, and takes an end for both.
async fn vsock(link_end: UnixListener, guest: PathBuf) {
    loop {
        let (mut link, _) = link_end.accept().await.unwrap();
        let guest = guest.clone();
        tokio::spawn(async move {
            let mut asked = vec![];
            while asked.last() != Some(&b'\n') {
                let Ok(byte) = link.read_u8().await else { return };
                asked.push(byte);
            }
            assert_eq!(asked, b"CONNECT 1024\n");
            let Ok(guest) = UnixStream::connect(guest).await else { return };
            link.write_all(b"OK 1073741824\n").await.unwrap();
            let ((mut from_link, mut to_link), (mut from_guest, mut to_guest)) =
                (link.into_split(), guest.into_split());
            tokio::select! {
                () = pass(&mut from_link, &mut to_guest) => {}
                () = pass(&mut from_guest, &mut to_link) => {}
            }
        });
    }
}

async fn pass(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) {
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}

/// Forwards a port over which one end is closed after the other. Returns it, with nobody listening there any more.
pub(crate) async fn carry_each_end(world: &World) -> model::Port {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port().to_string().parse().unwrap();
    let mut client = world.guest.forward(port).await.unwrap();
    let (mut accepted, _) = server.accept().await.unwrap();
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    let mut heard = String::new();
    tokio::time::timeout(LIMIT, accepted.read_to_string(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, "question");
    accepted.write_all(b"answer").await.unwrap();
    drop(accepted);
    let mut heard = String::new();
    tokio::time::timeout(LIMIT, client.read_to_string(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, "answer");
    port
}
