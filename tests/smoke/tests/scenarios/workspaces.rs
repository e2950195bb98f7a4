//! Repositories into machines and out of them, on guests that scenarios share: a boot is the dearest part of each.

use smoke::{Host, on_plain};

use crate::common::workspaces::{with_git, without_git};

/// Ends the daemon as nothing else does.
fn kill_daemon(host: &Host) {
    let script = "kill -KILL \"$(cat \"$XDG_STATE_HOME/banger/bangerd.lock\")\"";
    host.program("/bin/sh").args(["-c", script]).run().ok();
}

#[test]
fn guest_without_git() {
    on_plain(|host| without_git(host, kill_daemon));
}

#[test]
fn guest_with_git() {
    on_plain(|host| {
        with_git(host);
    });
}
