//! A guest's disk that is full when a repository comes again: the copy that was there is there still, all of it.

use smoke::{Host, Output};

use super::repo::Repo;
use crate::common::here::sh;

/// Where the copy lies, on the disk that is filled.
const PLACE: &str = "/root/repo";

/// What the large file takes, in KiB; once among the files, and once more in the history.
const LARGE_KIB: u64 = 32 << 10;

/// Directories that come new with the copy, and what each takes, in KiB.
const DIRS: u64 = 1000;
const DIR_KIB: u64 = 4;

fn in_guest(host: &Host, script: &str) -> Output {
    host.banger(["vm", "exec", "--guest-path", "/root", "box", "--", "sh", "-c", script]).run()
}

fn prepare(host: &Host, place: &str, more: &[&str]) -> Output {
    let prepare = ["vm", "workspace", "prepare", "box", "app", "--guest-path", place];
    host.banger(prepare).args(more).run()
}

/// All that the copy holds, its repository and the guest's own besides, what lies beside it, and what is recorded of it.
#[track_caller]
fn look(host: &Host) -> (String, serde_json::Value) {
    let script = "ls -A /root && cd /root/repo && find . -printf '%p %m %T@ %l\\n' && find . -type f -exec sha256sum {} +";
    (in_guest(host, script).ok().stdout(), host.vm("box")["workspace"].take())
}

/// Holds another copy to be refused where there is so much room, and to change nothing.
#[track_caller]
fn refused_with_room(host: &Host, room_kib: u64) {
    let fill =
        format!("fallocate -l $(($(df --output=avail -k /root | tail -n 1) - {room_kib}))K /root/filler");
    in_guest(host, &fill).ok();
    let before = look(host);
    let refused = prepare(host, PLACE, &["--include-untracked"]).exits(1).stderr();
    assert!(refused.to_lowercase().contains("no space left"), "{room_kib}: {refused}");
    let after = look(host);
    let some: Vec<_> = after.0.lines().take(20).collect();
    assert!(after == before, "{room_kib}: it is not what it was: {} {some:#?}", after.1);
    in_guest(host, "rm /root/filler").ok();
}

pub(crate) fn a_full_disk_leaves_the_copy_that_was_there(host: &Host) {
    let repo = Repo::at(host, "app");
    prepare(host, PLACE, &["--overwrite"]).ok();
    in_guest(host, "mkdir -p repo/out && echo built >repo/out/put").ok();

    // There is no room for the files, then none for the history.
    repo.sh(&format!("head -c {LARGE_KIB}K /dev/urandom >large"));
    refused_with_room(host, LARGE_KIB / 4);
    refused_with_room(host, LARGE_KIB + LARGE_KIB / 2);
    repo.sh("rm large");

    // There is room for all that comes, beside what is there, and none for the directories that are made anew of it.
    repo.sh(&format!(
        "mkdir many && cd many && for n in $(seq {DIRS}); do mkdir $n; echo same >$n/file; done"
    ));
    prepare(host, "/root/second", &["--include-untracked"]).ok();
    let taken = in_guest(host, "du -sk second | cut -f 1 && rm -r second").ok().stdout();
    prepare(host, PLACE, &[]).ok();
    refused_with_room(host, taken.trim().parse::<u64>().unwrap() + DIRS * DIR_KIB / 2);

    // Where there is room again, it comes.
    prepare(host, PLACE, &["--include-untracked"]).ok();
    let there = in_guest(host, &format!("cat repo/many/{DIRS}/file repo/out/put && ls -A . | grep banger-"));
    assert_eq!((there.stdout().as_str(), there.code), ("same\nbuilt\n", 1));
    sh(host, "rm -r app/many", &[]);
}
