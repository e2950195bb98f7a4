//! A person at a terminal.

use smoke::Host;

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
