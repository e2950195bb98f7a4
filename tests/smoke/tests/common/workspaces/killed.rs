//! What is killed in the middle of a copy: the daemon, which copies do not need, and the command that copies.

use std::time::Duration;

use rustix::process::Signal;
use smoke::{Command, Host, wait::wait_for};

use super::repo::Repo;
use crate::common::here::sh;

const LIMIT: Duration = Duration::from_mins(3);

/// Copies `app` with what is not tracked to `place`.
fn prepare(host: &Host, place: &str) -> Command {
    let prepare = ["vm", "workspace", "prepare", "box", "app", "--include-untracked", "--guest-path", place];
    host.banger(prepare)
}

/// Says which stages the guest's processes still hold.
const HELD: &str = "for stage in .banger-*; do \
    pid=${stage#.banger-}; if [ -d /proc/${pid%%-*} ]; then echo $stage; fi; done";

fn sum(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// `kill -9` of the daemon while a repository goes into a new place, and over a copy: it is there, and recorded.
pub(crate) fn daemon_killed_while_a_repository_goes_in(host: &Host, kill: impl Fn(&Host)) {
    let repo = Repo::at(host, "app");
    for (round, moment) in
        ["copying the repository", "copying the repository", "copying its history"].iter().enumerate()
    {
        repo.sh("head -c 33554432 /dev/urandom >large");
        let mut running = prepare(host, "/srv/second").start();
        running.wait_for_text(moment);
        kill(host);
        let output = running.finish().ok();
        assert!(output.stderr().contains("workspace: "), "{round}: {}", output.stderr());
        assert_eq!(host.vm("box")["workspace"]["guest_path"], "/srv/second", "{round}");
        let there = host.sh("box", "sha256sum large; cat .git/HEAD; test ! -e .banger-unfinished").run().ok();
        assert_eq!(sum(&there.stdout()), sum(&repo.sh("sha256sum large")), "{round}: {}", there.stdout());
        assert!(there.stdout().contains("refs/heads/main"), "{round}: {}", there.stdout());
    }
    repo.sh("rm large");
}

/// The same while `vm cp` runs, both ways: it needs no daemon.
pub(crate) fn daemon_killed_while_files_are_copied(host: &Host, kill: impl Fn(&Host)) {
    sh(host, "head -c 100663296 /dev/urandom >blob", &[]);
    let begun = |there: &str| {
        let look = format!("test -s {there}");
        host.banger(["vm", "exec", "box", "--guest-path", "/", "--", "sh", "-c", &look]).run().code == 0
    };
    let running = host.banger(["vm", "cp", "blob", "box:/srv/blob"]).start();
    wait_for("the first bytes in the guest", LIMIT, || begun("/srv/blob"));
    kill(host);
    running.finish().ok();
    let running = host.banger(["vm", "cp", "box:/srv/blob", "back"]).start();
    wait_for("the first bytes here", LIMIT, || host.program("test").args(["-s", "back"]).run().code == 0);
    kill(host);
    running.finish().ok();
    sh(host, "cmp blob back && rm blob back", &[]);
    host.sh("box", "rm /srv/blob").run().ok();
}

/// `kill -9` of the command: nothing half copied is in the place, and the next copy takes away what is left of it,
/// in the guest and here.
pub(crate) fn a_killed_copy_is_cleared_away_by_the_next(host: &Host) {
    let repo = Repo::at(host, "app");
    let in_guest = |script: &str| {
        host.banger(["vm", "exec", "box", "--guest-path", "/srv", "--", "sh", "-c", script]).run().stdout()
    };
    let stages = || in_guest("ls -d .banger-*").lines().count();
    let temporary = || sh(host, "ls tmp", &[]).lines().count();
    repo.sh("head -c 67108864 /dev/urandom >large");
    sh(host, "mkdir tmp", &[]);
    let temporary_dir = host.home().join("tmp");
    for (number, moment) in ["copying the repository", "copying its history"].iter().enumerate() {
        // The shell becomes the command, so the number is the command's, also where this machine has another for it.
        let script = "echo $$ >pid; exec banger vm workspace prepare box app --include-untracked \
            --guest-path /srv/third";
        let shell = host.program("/bin/sh").args(["-c", script]).env("TMPDIR", &temporary_dir);
        let mut running = shell.start();
        running.wait_for_text(moment);
        wait_for("the directory for its history", LIMIT, || temporary() == number);
        // Held still, so that all that is looked at is as it is killed.
        sh(host, "kill -STOP \"$(cat pid)\"", &[]);
        assert_eq!(stages(), 1, "{moment}");
        sh(host, "kill -KILL \"$(cat pid)\"", &[]);
        // The way into a container stood still with it.
        running.signal(Signal::CONT);
        running.finish().exits(137);
        wait_for("the guest to hear of it", LIMIT, || in_guest(HELD).is_empty());
        assert_eq!((in_guest("ls -d third 2>/dev/null"), stages(), temporary()), (String::new(), 1, number));
    }
    prepare(host, "/srv/third").env("TMPDIR", &temporary_dir).run().ok();
    assert_eq!((stages(), temporary()), (0, 0));
    let there = in_guest("sha256sum third/large");
    assert_eq!(sum(&there), sum(&repo.sh("sha256sum large")));
    repo.sh("rm large");
    sh(host, "rm -r pid tmp", &[]);
}
