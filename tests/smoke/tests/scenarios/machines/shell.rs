//! A person at a terminal.

use smoke::on_plain;

#[test]
fn bare_run() {
    on_plain(|host| {
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
    });
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
