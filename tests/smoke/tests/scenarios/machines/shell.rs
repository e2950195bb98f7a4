//! A person at a terminal.

use smoke::on_plain;

use crate::common::shell;

#[test]
fn bare_run() {
    on_plain(shell::bare_run);
}

#[test]
fn a_closed_terminal_leaves_the_machine() {
    on_plain(|host| {
        let run = host.with_guests().banger(["vm", "run", "--name", "desk", "--image", "debian-small"]);
        let mut shell = run.on_terminal(24, 80).start();
        shell.wait_for_text("# ");
        shell.types("sleep 4321\r");
        // As a terminal emulator does that is closed.
        shell.signal(rustix::process::Signal::HUP);
        shell.finish().exits(129);
        assert_eq!(host.vm("desk")["state"], "running");
        smoke::wait::wait_for("the end of what ran on it", std::time::Duration::from_secs(20), || {
            host.sh("desk", "ps -eo args | grep '[s]leep 4321'").run().code == 1
        });
        host.delete("desk");
    });
}
