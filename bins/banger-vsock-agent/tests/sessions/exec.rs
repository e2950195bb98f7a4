//! Commands, through link and agent.

use std::{collections::BTreeMap, time::Duration};

use crate::world::{LIMIT, World, collect, eventually, shell};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use guest::{ExecRequest, ExecStatus, PtySize, frame::Frame};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

#[tokio::test]
async fn streams_stay_apart_and_the_code_is_the_commands_own() {
    let world = World::start(&[]).await;
    for (script, status, out, err) in [
        ("echo out; echo err >&2; exit 42", ExecStatus::Exited(42), "out\n", "err\n"),
        ("kill -9 $$", ExecStatus::Signaled(9), "", ""),
        ("exec 1>&-; sleep 0; exit 255", ExecStatus::Exited(255), "", ""),
        ("cat", ExecStatus::Exited(0), "", ""),
        ("cat /proc/self/oom_score_adj", ExecStatus::Exited(0), "0\n", ""),
    ] {
        assert_eq!(world.sh(script).await, (status, out.to_owned(), err.to_owned()), "{script}");
    }
}

#[tokio::test]
async fn what_cannot_be_started_says_why() {
    let world = World::start(&[]).await;
    let file = world.dir.path().join("plain");
    std::fs::write(&file, "x").unwrap();
    for (program, cwd, code, words) in [
        ("no-such-program", None, 127, "run no-such-program: it is not there"),
        (file.to_str().unwrap(), None, 126, "Permission denied"),
        ("true", Some("/no/such/dir"), 125, "start in /no/such/dir: No such file or directory"),
    ] {
        let request = ExecRequest {
            argv: vec![program.to_owned()],
            cwd: cwd.map(str::to_owned),
            ..ExecRequest::default()
        };
        let mut session = world.guest.exec(&request).await.unwrap();
        let Some(Ok(Frame::NotStarted(failure))) = session.next().await else { panic!("{program} started") };
        assert_eq!(failure.code, code, "{program}");
        assert!(failure.message.contains(words), "{}", failure.message);
    }
    assert!(world.guest.exec(&ExecRequest::default()).await.is_err());
}

#[tokio::test]
async fn sessions_are_counted_and_questions_are_none() {
    let world = World::start(&[]).await;
    let counted = async || {
        let activity = world.guest.stats().await.unwrap().activity.unwrap();
        (activity.sessions_open, activity.sessions_begun)
    };
    world.guest.health().await.unwrap();
    world.guest.ports().await.unwrap();
    assert_eq!(counted().await, (0, 0));
    let open = world.guest.exec(&shell("sleep 600")).await.unwrap();
    let tree = world.guest.get_tree("/etc/hosts").await.unwrap();
    eventually("two are begun", async || counted().await.1 == 2).await;
    assert!(counted().await.0 >= 1);
    drop((open, tree));
    eventually("both have ended", async || counted().await == (0, 2)).await;
    // A port's connection is one as long as it is open, whether or not anything goes over it.
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port().to_string().parse().unwrap();
    let forward = world.guest.forward(port).await.unwrap();
    let accepted = server.accept().await.unwrap();
    assert_eq!(counted().await, (1, 3));
    drop((forward, accepted));
    eventually("it has ended", async || counted().await == (0, 3)).await;
    // So is ssh, whatever sshd this system has to carry it to.
    let ssh = world.guest.ssh().await;
    assert_eq!(counted().await, (u32::from(ssh.is_ok()), 4));
    drop(ssh);
    eventually("it has ended, too", async || counted().await == (0, 4)).await;
}

#[tokio::test]
async fn the_environment_is_what_was_asked_for() {
    let world = World::start(&[]).await;
    let mut request = shell("pwd; echo $GREETING; echo $LANG; echo $USER");
    request.cwd = Some("/tmp".to_owned());
    request.env = BTreeMap::from([("GREETING".to_owned(), "hi there".to_owned())]);
    let mut session = world.guest.exec(&request).await.unwrap();
    let (_, out, _) = collect(&mut session).await;
    assert_eq!(String::from_utf8(out).unwrap(), "/tmp\nhi there\nC.UTF-8\nroot\n");
}

#[tokio::test]
async fn a_hundred_mebibytes_pass_both_ways_at_once() {
    const TOTAL: usize = 100 << 20;
    let world = World::start(&[]).await;
    let (mut sink, mut frames) = world.guest.exec(&shell("cat")).await.unwrap().split();
    let chunk: Bytes = (0..64 * 1024_u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    let mut digest = Sha256::new();
    let send = async {
        for _ in 0..TOTAL / chunk.len() {
            digest.update(&chunk);
            sink.send(Frame::Stdin(chunk.clone())).await.unwrap();
        }
        sink.send(Frame::StdinEnd).await.unwrap();
    };
    let receive = async {
        let (mut hash, mut total) = (Sha256::new(), 0);
        while let Some(frame) = frames.next().await {
            match frame.unwrap() {
                Frame::Stdout(bytes) => {
                    total += bytes.len();
                    hash.update(&bytes);
                }
                Frame::Ended(status) => return (status, total, hash.finalize()),
                _ => {}
            }
        }
        panic!("no end");
    };
    let both = async { tokio::join!(send, receive).1 };
    let (status, total, hash) = timeout(LIMIT, both).await.unwrap();
    assert_eq!((status, total), (ExecStatus::Exited(0), TOTAL));
    assert_eq!(hash, digest.finalize());
}

#[tokio::test]
async fn a_session_that_nobody_reads_stalls_no_other() {
    let world = World::start(&[]).await;
    let stalled = world.guest.exec(&shell("yes")).await.unwrap();
    let mut deaf = world.guest.exec(&shell("exec sleep 1000")).await.unwrap();
    let chunk = Bytes::from(vec![0; 64 * 1024]);
    // More than anyone on the way has room for.
    while timeout(Duration::from_millis(300), deaf.send(Frame::Stdin(chunk.clone()))).await.is_ok() {}
    let many = (0..40).map(|n| {
        let world = &world;
        async move { assert_eq!(world.sh(&format!("echo {n}")).await.1, format!("{n}\n")) }
    });
    timeout(LIMIT, futures::future::join_all(many)).await.unwrap();
    drop((stalled, deaf));
}

#[tokio::test]
async fn all_of_a_session_ends_with_its_connection() {
    let world = World::start(&[]).await;
    let pids = world.dir.path().join("pids");
    // One that ignores the hang-up, one in the background, one whose stdin is full.
    let script = format!("trap '' HUP; sleep 1001 & echo $$ $! >{}; sleep 1002; sleep 1003", pids.display());
    let mut session = world.guest.exec(&shell(&script)).await.unwrap();
    eventually("the command runs", async || {
        std::fs::read_to_string(&pids).is_ok_and(|text| text.ends_with('\n'))
    })
    .await;
    let chunk = Bytes::from(vec![0; 64 * 1024]);
    while timeout(Duration::from_millis(300), session.send(Frame::Stdin(chunk.clone()))).await.is_ok() {}
    drop(session);
    let text = std::fs::read_to_string(&pids).unwrap();
    for pid in text.split_whitespace() {
        eventually("its processes are gone", async || is_gone(pid)).await;
    }
}

fn is_gone(pid: &str) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).map_or(true, |cmdline| cmdline.is_empty())
}

#[tokio::test]
async fn signals_reach_the_process_group() {
    let world = World::start(&[]).await;
    // A shell that waits may swallow an interrupt for a command that it is just starting; a program does not.
    for signal in [2, 15] {
        let script = "sleep 1000 & echo $!; exec sleep 1000";
        let mut session = world.guest.exec(&shell(script)).await.unwrap();
        let pid = loop {
            if let Frame::Stdout(bytes) = session.next().await.unwrap().unwrap() {
                break String::from_utf8(bytes.to_vec()).unwrap();
            }
        };
        session.send(Frame::Signal(signal)).await.unwrap();
        assert_eq!(collect(&mut session).await.0, ExecStatus::Signaled(signal));
        // A shell without job control makes what is in the background deaf to interrupts.
        if signal == 15 {
            eventually("the one in the background is gone", async || is_gone(pid.trim())).await;
        } else {
            world.sh(&format!("kill {pid}")).await;
        }
    }
}

#[tokio::test]
async fn a_process_left_behind_does_not_keep_the_session() {
    let world = World::start(&[]).await;
    let (status, out, _) = timeout(LIMIT, world.sh("sleep 20 & echo done")).await.unwrap();
    assert_eq!((status, out.as_str()), (ExecStatus::Exited(0), "done\n"));
}

#[tokio::test]
async fn all_output_comes_before_the_end() {
    let world = World::start(&[]).await;
    for _ in 0..20 {
        let (_, out, err) = world.sh("head -c 60000 /dev/zero | tr '\\0' x; echo end >&2").await;
        assert_eq!((out.len(), err.as_str()), (60000, "end\n"));
    }
}

#[tokio::test]
async fn a_terminal_has_a_size_and_job_control() {
    let world = World::start(&[]).await;
    let mut request = shell("tty >/dev/null && stty size; read line; stty size; echo got $line");
    request.pty = Some(PtySize { rows: 24, cols: 80 });
    let mut session = world.guest.exec(&request).await.unwrap();
    let mut text = String::new();
    while !text.contains("24 80") {
        if let Frame::Stdout(bytes) = session.next().await.unwrap().unwrap() {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    session.send(Frame::Resize(PtySize { rows: 50, cols: 200 })).await.unwrap();
    session.send(Frame::Stdin(Bytes::from_static(b"word\n"))).await.unwrap();
    let (status, out, _) = collect(&mut session).await;
    let out = String::from_utf8(out).unwrap();
    assert_eq!(status, ExecStatus::Exited(0), "{out}");
    assert!(out.contains("50 200") && out.contains("got word"), "{out}");
}

#[tokio::test]
async fn a_terminal_takes_interrupts_and_the_end_of_input() {
    let world = World::start(&[]).await;
    let pty = Some(PtySize { rows: 24, cols: 80 });
    for (frames, status) in [
        (vec![Frame::Stdin(Bytes::from_static(b"\x03"))], ExecStatus::Signaled(2)),
        (vec![Frame::Signal(2)], ExecStatus::Signaled(2)),
        (vec![Frame::StdinEnd], ExecStatus::Exited(0)),
    ] {
        let mut request = shell("echo ready; exec cat");
        request.pty = pty;
        let mut session = world.guest.exec(&request).await.unwrap();
        while !matches!(session.next().await.unwrap().unwrap(), Frame::Stdout(_)) {}
        for frame in frames.clone() {
            session.send(frame).await.unwrap();
        }
        assert_eq!(collect(&mut session).await.0, status, "{frames:?}");
    }
}
