//! Scenarios that do not mind each other, on guests that they share: a boot is the dearest part of each.

use smoke::on_plain;

use super::{reach::egress, streams};
use crate::common::{files, images, life, on_one_guest, reach, runs, shell, tool};

#[test]
fn small_guest_with_commands() {
    on_plain(|host| {
        on_one_guest(
            host,
            &[
                ("alpine_without_init", images::alpine_without_init),
                ("command_exit_code", runs::command_exit_code),
                ("environment_and_time_limit", runs::environment_and_time_limit),
                ("pty_resize", shell::pty_resize),
                ("health_ping_and_stats", tool::health_ping_and_stats),
            ],
        );
    });
}

#[test]
fn small_guest_with_much_data() {
    on_plain(|host| {
        on_one_guest(
            host,
            &[
                ("hundred_mib_through_stdin_and_stdout", streams::hundred_mib_through_stdin_and_stdout),
                ("cp_both_ways", files::cp_both_ways),
                ("ports", reach::ports),
                ("egress", egress),
                // It stops the guest.
                ("logs_follow", life::logs_follow),
            ],
        );
    });
}
