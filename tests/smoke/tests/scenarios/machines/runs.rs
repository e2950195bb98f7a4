//! `vm run` and `vm exec`: exit codes, streams apart, what stays and what does not.

use smoke::on_plain;

use crate::common::runs;

#[test]
fn stdout_and_stderr_apart() {
    on_plain(runs::stdout_and_stderr_apart);
}

#[test]
fn stdin_piped() {
    on_plain(runs::stdin_piped);
}

#[test]
fn rm_after_failure() {
    on_plain(runs::rm_after_failure);
}

#[test]
fn detach() {
    on_plain(runs::detach);
}
