//! Machines: run, command, streams, and that nothing stays.

use rustix::process::Signal;
use smoke::on_plain;

#[test]
fn bare_run() {
    on_plain(|host| {
        let output = host.with_guests().banger(["vm", "run", "--rm", "--", "uname", "-sm"]).run().ok();
        assert_eq!(output.stdout(), "Linux x86_64\n");
        assert!(output.stderr().contains("spec: "), "{}", output.stderr());
        assert!(output.stderr().contains("ready in "), "{}", output.stderr());
    });
}

#[test]
fn command_exit_code() {
    on_plain(|host| {
        host.with_guests().banger(["vm", "run", "-d", "--name", "codes"]).run().ok();
        for (script, code) in
            [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("exit 255", 255), ("kill -9 $$", 137)]
        {
            host.banger(["vm", "exec", "codes", "--", "sh", "-c", script]).run().exits(code);
        }
        host.banger(["vm", "exec", "codes", "--", "/etc/passwd"]).run().exits(126);
        host.banger(["vm", "exec", "codes", "--", "no-such-program"]).run().exits(127);
        host.banger(["vm", "exec", "no-such-machine", "--", "true"]).run().exits(125);
        host.banger(["vm", "stop", "codes"]).run().ok();
        host.banger(["vm", "delete", "codes"]).run().ok();
    });
}

#[test]
fn stdout_and_stderr_apart() {
    on_plain(|host| {
        let script = "echo out; echo err >&2; echo out again";
        let output =
            host.with_guests().banger(["-q", "vm", "run", "--rm", "--", "sh", "-c", script]).run().ok();
        assert_eq!((&*output.stdout(), &*output.stderr()), ("out\nout again\n", "err\n"));
    });
}

#[test]
fn stdin_piped() {
    on_plain(|host| {
        // Every byte there is, and more than any buffer on the way.
        let bytes: Vec<u8> = (0..=255).cycle().take(4 << 20).collect();
        let output =
            host.with_guests().banger(["vm", "run", "--rm", "--", "cat"]).stdin(bytes.clone()).run().ok();
        assert!(output.stdout == bytes, "{} bytes came back of {}", output.stdout.len(), bytes.len());
    });
}

#[test]
fn rm_after_failure() {
    on_plain(|host| {
        host.with_guests().banger(["vm", "run", "--rm", "--", "false"]).run().exits(1);
        assert_eq!(host.machines(), 0);
    });
}

#[test]
fn rm_after_ctrl_c() {
    on_plain(|host| {
        let script = "echo started; sleep 600";
        let mut running = host.with_guests().banger(["vm", "run", "--rm", "--", "sh", "-c", script]).start();
        running.wait_for_text("started");
        running.signal(Signal::INT);
        running.finish().exits(130);
        assert_eq!(host.machines(), 0);
    });
}
