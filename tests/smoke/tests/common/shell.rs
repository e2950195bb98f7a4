//! A person at a terminal.

use std::time::Duration;

use smoke::{Host, wait::wait_for};

pub(crate) fn pty_resize(host: &Host) {
    let script = "trap 'stty size' WINCH; stty size; while :; do sleep 0.1; done";
    let exec = host.banger(["vm", "exec", "-t", "box", "--", "sh", "-c", script]);
    let mut shell = exec.on_terminal(30, 100).start();
    shell.wait_for_text("30 100");
    shell.resize(50, 132);
    shell.wait_for_text("50 132");
    shell.resize(10, 20);
    shell.wait_for_text("10 20");
    shell.types("\u{3}");
    shell.finish().exits(130);
}

pub(crate) fn bare_run(host: &Host) {
    let run = host.with_guests().banger(["vm", "run", "--name", "desk", "--image", "debian-small"]);
    let mut shell = run.on_terminal(24, 80).start();
    shell.wait_for_text("spec: ");
    shell.wait_for_text("ready in ");
    shell.wait_for_text("# ");
    assert!(shell.terminal_is_raw());
    shell.types("echo $((40 + 2)) on $(hostname)\r");
    shell.wait_for_text("42 on desk");
    shell.types("tty; stty size\r");
    shell.wait_for_text("24 80");
    // It is the guest's shell that Ctrl-C goes to.
    shell.types("echo sleeps $((2 + 3)); sleep 600\r");
    shell.wait_for_text("sleeps 5");
    shell.types("\u{3}");
    shell.types("echo still $((1 + 1))\r");
    shell.wait_for_text("still 2");
    shell.types("exit 7\r");
    let output = shell.finish().exits(7);
    assert!(output.stdout().contains("desk still runs"), "{}", output.stdout());

    assert_eq!(host.vm("desk")["state"], "running");
    host.delete("desk");
}

pub(crate) fn a_closed_terminal_leaves_the_machine(host: &Host) {
    let run = host.with_guests().banger(["vm", "run", "--name", "desk", "--image", "debian-small"]);
    let mut shell = run.on_terminal(24, 80).start();
    shell.wait_for_text("# ");
    shell.types("echo sleeps $((2 + 3)); sleep 4321\r");
    shell.wait_for_text("sleeps 5");
    shell.close_terminal();
    shell.finish().exits(129);
    assert_eq!(host.vm("desk")["state"], "running");
    wait_for("the end of what ran on it", Duration::from_secs(20), || {
        host.sh("desk", "ps -eo args | grep '[s]leep 4321'").run().code == 1
    });
    host.delete("desk");
}
