use std::sync::{Arc, Mutex};

use super::*;
use crate::JobEvent;

fn sh(script: &str) -> Tool {
    Tool::new("sh", "dash").unwrap().args(["-c", script])
}

#[test]
fn output_comes_back_and_some_codes_are_no_failure() {
    let ended = sh("echo out; echo err >&2; exit 3").ok_codes(&[0, 3]).run(&Job::quiet()).unwrap();
    assert_eq!(ended.stdout, b"out\n");
    assert_eq!(ended.tail, ["err"]);
}

#[test]
fn a_failure_carries_the_last_lines() {
    let fault = sh("for i in $(seq 1 50); do echo line $i >&2; done; exit 1").run(&Job::quiet()).unwrap_err();
    assert_eq!(fault.to_string(), "sh failed (exit status: 1): line 50");
    assert_eq!((fault.tail().len(), fault.tail()[0].as_str()), (20, "line 31"));
}

#[test]
fn a_full_disk_is_told_from_what_the_program_says() {
    let fault = sh("echo 'sh: write: No space left on device' >&2; exit 1").run(&Job::quiet()).unwrap_err();
    assert!(matches!(fault, Fault::NoRoom { .. }));
}

#[test]
fn a_program_that_is_not_there_names_its_package() {
    let fault = Tool::new("no-such-program-here", "some-package").unwrap_err();
    assert_eq!(fault.class(), model::Class::HostLacks);
    assert!(fault.hint().unwrap().contains("some-package"));
}

#[test]
fn cancelling_ends_descendants_that_left_the_group() {
    let pids = Arc::new(Mutex::new(vec![]));
    let sink = Arc::clone(&pids);
    let cancel = crate::Cancel::default();
    let when_up = cancel.clone();
    let job = Job::new(move |event| {
        if let JobEvent::Log(line) = event
            && let Ok(pid) = line.parse::<u32>()
        {
            sink.lock().unwrap().push(pid);
            when_up.cancel();
        }
    })
    .with_cancel(cancel);
    let script = "setsid sh -c 'echo $$ >&2; trap \"\" TERM; while :; do sleep 1; done' & wait";
    let fault = sh(script).run(&job).unwrap_err();
    assert!(matches!(fault, Fault::Cancelled), "{fault:?}");
    let pid = pids.lock().unwrap()[0];
    let is_there =
        || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    wait_while(is_there);
}

#[test]
fn what_takes_too_long_is_ended() {
    let fault = sh("sleep 60").limit(Duration::from_millis(200)).run(&Job::quiet()).unwrap_err();
    assert!(matches!(fault, Fault::TimedOut { .. }), "{fault:?}");
}

#[test]
fn a_consumer_that_fails_ends_the_program() {
    let (consumed, _) = sh("yes")
        .run_with(&Job::quiet(), |stdout| {
            let mut buf = [0; 16];
            stdout.read_exact(&mut buf)?;
            Err::<(), io::Error>(io::Error::other("enough"))
        })
        .unwrap();
    assert_eq!(consumed.unwrap_err().to_string(), "enough");
}

#[test]
fn what_a_program_started_ends_with_it_when_it_is_asked_to_end() {
    // Asked twice, as a group and by its guard: it takes its time for both, and for what it started.
    let script = "trap 'trap \"\" TERM; wait; echo cleaned >&2; exit 0' TERM
        sh -c 'trap \"exit 0\" TERM; echo up >&2; while :; do sleep 0.05; done' & wait";
    let tool = Tool::with_children("sh", "dash").unwrap().args(["-c", script]);
    let (send, lines) = std::sync::mpsc::channel();
    let cancel = crate::Cancel::default();
    let when_up = cancel.clone();
    let job = Job::new(move |event| {
        if let JobEvent::Log(line) = event {
            if line == "up" {
                when_up.cancel();
            }
            send.send(line).unwrap();
        }
    })
    .with_cancel(cancel);
    assert!(matches!(tool.run(&job), Err(Fault::Cancelled)));
    drop(job);
    assert_eq!(lines.iter().last().as_deref(), Some("cleaned"));
    let code =
        Tool::with_children("sh", "dash").unwrap().args(["-c", "exit 7"]).run(&Job::quiet()).unwrap_err();
    assert_eq!(code.to_string(), "sh failed (exit status: 7)");
}

fn wait_while(is_there: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_there() {
        assert!(Instant::now() < deadline, "it still runs");
        thread::sleep(Duration::from_millis(10));
    }
}
