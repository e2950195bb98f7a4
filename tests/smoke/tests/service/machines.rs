//! What every host can hold that has machines, with a system install's.

use std::path::Path;

use serde_json::Value;
use smoke::{Host, on_service};

use crate::{
    common::{
        by_name::ssh_config_install, ctrl_c, files, guest::Part, images, life, on_one_guest, reach, runs,
        shell, ssh, ticks::ticks, tool,
    },
    system::{INSTALL, boot_id, install, main_pid, monitor_unit, uninstall},
};

#[test]
fn machines_of_a_system_install() {
    on_service(|host| {
        install(host);
        on_one_guest(
            host,
            &[
                ("command_exit_code", runs::command_exit_code),
                ("environment_and_time_limit", runs::environment_and_time_limit),
                ("pty_resize", shell::pty_resize),
                ("alpine_without_init", images::alpine_without_init),
                ("health_ping_and_stats", tool::health_ping_and_stats),
                ("cp_both_ways", files::cp_both_ways),
                ("ports", reach::ports),
                ("du_is_what_root_sees", du_is_what_root_sees),
                ("stop_loses_nothing", life::stop_loses_nothing),
                ("restart_new_boot_id", life::restart_new_boot_id),
                ("kill_signal", life::kill_signal),
                // It stops the guest.
                ("logs_follow", life::logs_follow),
            ],
        );
        host.also("set_vcpu_seen_in_guest", || life::set_vcpu_seen_in_guest(host));
        host.also("stdin_piped", || runs::stdin_piped(host));
        host.also("rm_after_failure", || runs::rm_after_failure(host));
        host.also("concurrent_runs", || runs::concurrent_runs(host));
        assert_eq!(host.owned_by_nobody(), [""; 0]);
        uninstall(host);
    });
}

/// What the owner is told takes room is what root sees on the disk, and the releases are in it.
fn du_is_what_root_sees(host: &Host) {
    let usage = host.banger(["du", "--json"]).run().ok().json()["usage"].take();
    let items = usage["items"].as_array().unwrap();
    let find = |kind: &str, name: &str| {
        let found = items.iter().find(|item| item["kind"] == kind && item["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} {name} in {usage:#}")).clone()
    };
    // A machine that runs writes, and a directory is counted by the one and not by the other.
    let assert_about = |told: &Value, seen: u64| {
        let told = told.as_u64().unwrap();
        assert!(
            told > 1 << 20 && told.abs_diff(seen) <= seen / 8 + (4 << 20),
            "{told} for {seen}: {usage:#}"
        );
    };
    let room = |path: &str| {
        let seen = host.root(["du", "-s", "-B1", path]).run().ok().stdout();
        seen.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let machine = find("machine", "box");
    assert_about(&machine["used_bytes"], room(host.vm("box")["dir"].as_str().unwrap()));
    assert_eq!((&machine["why"], &machine["remove"]), (&"running".into(), &Value::Null));
    let image = find("image", "debian-small");
    assert_eq!((&image["why"], &image["remove"]), (&"used by box".into(), &Value::Null));
    let program = host.root(["readlink", "-f", "/usr/local/bin/banger"]).run().ok().stdout();
    let release = Path::new(program.trim()).parent().unwrap();
    let installed = find("update", release.file_name().unwrap().to_str().unwrap());
    assert_about(&installed["used_bytes"], room(release.to_str().unwrap()));
    assert_eq!(installed["why"], "runs");
    assert_eq!(usage["dir"], "/var/lib/banger");
    assert_about(&usage["total_bytes"], room("/var/lib/banger") + room(release.to_str().unwrap()));
    let text = host.banger(["du"]).run().ok().stdout();
    assert!(text.contains("free below /var/lib/banger") && text.contains("release"), "{text}");
}

#[test]
fn machines_of_a_system_install_come_and_go() {
    on_service(|host| {
        host.root(INSTALL).run().ok();
        host.also("ctrl_c_while_the_image_is_built", || ctrl_c_while_the_image_is_built(host));
        // Now with the images that are shared.
        install(host);
        let parts: [Part<'_>; 10] = [
            ("stdout_and_stderr_apart", runs::stdout_and_stderr_apart),
            ("detach", runs::detach),
            ("bare_run", shell::bare_run),
            ("a_closed_terminal_leaves_the_machine", shell::a_closed_terminal_leaves_the_machine),
            ("rm_after_ctrl_c", ctrl_c::rm_after_ctrl_c),
            ("prune_keeps_running", life::prune_keeps_running),
            ("promote", images::promote),
            ("image_import", images::image_import),
            ("kept_when_unreachable", images::kept_when_unreachable),
            ("completion_is_live", tool::completion_is_live),
        ];
        for (name, part) in parts {
            host.also(name, || part(host));
            assert_eq!(host.owned_by_nobody(), [""; 0], "{name}");
        }
        uninstall(host);
    });
}

/// An archive, and in place of mmdebstrap what begins and waits for ever, with a process that would outlive it.
const BUILDER: &str = "set -e
    echo 'deb http://127.0.0.1/debian bookworm main' >/etc/apt/sources.list
    printf '#!/bin/sh\\nmkdir \"$TMPDIR/root\"\\nsleep 4321 &\\nwait\\n' >/usr/local/bin/mmdebstrap
    chmod 0755 /usr/local/bin/mmdebstrap";

/// The daemon is a service here: the builder is its child, and works in a `/var/tmp` that is its own.
fn ctrl_c_while_the_image_is_built(host: &Host) {
    host.root(["sh", "-c", BUILDER]).run().ok();
    ctrl_c::ctrl_c_while_the_image_is_built(host, Path::new("/var/lib/banger"));
    let look = "pgrep -af '[m]mdebstrap|[s]leep 4321'; find /var/tmp -name 'banger-build-*'";
    let left = host.root(["sh", "-c", look]).run().ok().stdout();
    assert_eq!((&*left, host.owned_by_nobody()), ("", vec![]));
    host.root(["rm", "/etc/apt/sources.list", "/usr/local/bin/mmdebstrap"]).run().ok();
}

#[test]
fn a_guest_with_systemd_of_a_system_install() {
    on_service(|host| {
        install(host);
        ssh::create(host);
        host.also("ssh_and_scp", || ssh::ssh_and_scp(host));
        host.also("an_open_ssh_session_is_counted", || ssh::an_open_ssh_session_is_counted(host));
        // The file is where ssh looks for it.
        host.also("ssh_config_install", || ssh_config_install(host, None));
        host.also("sessions_tick_through_restarts", || sessions_tick_through_restarts(host));
        host.also("stop_loses_nothing_with_a_dead_sshd", || ssh::stop_loses_nothing_with_a_dead_sshd(host));
        host.delete("big");
        uninstall(host);
    });
}

/// An `exec` and an `ssh` that are open while each service is restarted, killed and stopped, and systemd is replaced.
fn sessions_tick_through_restarts(host: &Host) {
    let look = || (main_pid(host, &monitor_unit(host, "big")), boot_id(host, "big"));
    let before = look();
    let mut todo = vec![
        vec!["restart", "bangerd.service"],
        vec!["restart", "bangerd-root.service"],
        vec!["daemon-reexec"],
        vec!["kill", "-s", "KILL", "bangerd.service", "bangerd-root.service"],
        vec!["restart", "bangerd-root.service", "bangerd.service"],
    ];
    ticks(host, "big", |_| {
        for words in todo.drain(..) {
            host.systemctl(words).run().ok();
        }
        true
    });
    assert_eq!(look(), before);
}
