//! All of them, on two guests: a boot is the dearest part of each.

use smoke::Host;

use super::{full, inward, kept, killed, outward, tools, trips};

/// On an image without git. `kill_daemon` ends the daemon as nothing else does.
pub(crate) fn without_git(host: &Host, kill_daemon: impl Fn(&Host) + Copy) {
    host.also("run_repo", || inward::run_repo(host));
    host.also("dry_run", || inward::dry_run(host));
    host.also("untracked_only_on_request", || {
        inward::untracked_only_on_request_and_gitignored_never(host);
    });
    host.also("exec_in_workspace", || inward::exec_in_workspace(host));
    host.also("auto_prepare", || inward::exec_warns_when_host_moved_and_auto_prepare(host));
    host.also("bootstrap_precondition", || inward::bootstrap_precondition(host));
    host.also("bad_input_with_repositories", || {
        inward::bad_input_is_refused_before_anything_is_made(host);
    });
    host.also("survives_stop_start", || kept::survives_stop_start(host));
    host.also("interrupted_copy", || kept::an_interrupted_copy_leaves_what_was_there(host));
    host.also("daemon_killed_while_a_repository_goes_in", || {
        killed::daemon_killed_while_a_repository_goes_in(host, kill_daemon);
    });
    host.also("daemon_killed_while_files_are_copied", || {
        killed::daemon_killed_while_files_are_copied(host, kill_daemon);
    });
    host.also("killed_copy_is_cleared_away", || killed::a_killed_copy_is_cleared_away_by_the_next(host));
    host.also("full_disk_over_a_copy", || full::a_full_disk_leaves_the_copy_that_was_there(host));
    host.delete("box");
}

/// On an image with git.
pub(crate) fn with_git(host: &Host) {
    outward::start(host);
    host.also("export_patch_applies", || outward::export_patch_applies(host));
    host.also("export_base_commit", || outward::export_base_commit(host));
    host.also("branch_from_and_full_copy", || outward::branch_from_and_full_copy(host));
    host.also("readonly", || outward::readonly(host));
    host.also("tools_that_cannot_be_had", || outward::tools_that_cannot_be_had(host));
    host.also("tools_that_are_pinned", || tools::tools_that_are_pinned(host));
    host.also("five_round_trips", || trips::five_round_trips(host));
    host.delete("dev");
}
