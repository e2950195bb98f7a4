//! What every host can hold that has machines, with a system install's.

use smoke::{Host, on_service};

use crate::{
    common::{files, life, on_one_guest, reach, runs, shell, ssh, ticks::ticks},
    system::{boot_id, install, main_pid, monitor_unit, uninstall},
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
                ("cp_both_ways", files::cp_both_ways),
                ("ports", reach::ports),
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

#[test]
fn a_guest_with_systemd_of_a_system_install() {
    on_service(|host| {
        install(host);
        ssh::create(host);
        host.also("ssh_and_scp", || ssh::ssh_and_scp(host));
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
    });
    assert_eq!(look(), before);
}
