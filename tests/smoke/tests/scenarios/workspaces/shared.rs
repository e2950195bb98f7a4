//! Scenarios that do not mind each other, on guests that they share: a boot is the dearest part of each.

use smoke::on_plain;

use super::{inward, kept};

#[test]
fn guest_without_git() {
    on_plain(|host| {
        host.also("run_repo", || inward::run_repo(host));
        host.also("dry_run", || inward::dry_run(host));
        host.also("untracked_only_on_request", || {
            inward::untracked_only_on_request_and_gitignored_never(host);
        });
        host.also("exec_in_workspace", || inward::exec_in_workspace(host));
        host.also("auto_prepare", || inward::exec_warns_when_host_moved_and_auto_prepare(host));
        host.also("bad_input_with_repositories", || {
            inward::bad_input_is_refused_before_anything_is_made(host);
        });
        host.also("survives_stop_start", || kept::survives_stop_start(host));
        host.also("interrupted_copy", || kept::an_interrupted_copy_leaves_what_was_there(host));
        host.delete("box");
    });
}
