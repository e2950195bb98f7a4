//! A person at a terminal.

use smoke::on_plain;

use crate::common::shell;

#[test]
fn bare_run() {
    on_plain(shell::bare_run);
}

#[test]
fn a_closed_terminal_leaves_the_machine() {
    on_plain(shell::a_closed_terminal_leaves_the_machine);
}
