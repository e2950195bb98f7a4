//! `vm run` and `vm exec`: exit codes, streams, what stays and what does not.

use std::{collections::BTreeSet, time::Duration};

use smoke::{Host, wait::wait_for};

const SMALL: [&str; 2] = ["--image", "debian-small"];

pub(crate) fn command_exit_code(host: &Host) {
    for (script, code) in
        [("exit 0", 0), ("exit 1", 1), ("exit 42", 42), ("exit 255", 255), ("kill -9 $$", 137)]
    {
        host.sh("box", script).run().exits(code);
    }
    host.banger(["vm", "exec", "box", "--", "/etc/passwd"]).run().exits(126);
    host.banger(["vm", "exec", "box", "--", "no-such-program"]).run().exits(127);
    host.banger(["vm", "exec", "no-such-machine", "--", "true"]).run().exits(125);
}

pub(crate) fn stdin_piped(host: &Host) {
    // Every byte there is, and more than any buffer on the way.
    let bytes: Vec<u8> = (0..=255).cycle().take(4 << 20).collect();
    let run = host.with_guests().banger(["vm", "run", "--rm"]).args(SMALL);
    let output = run.args(["--", "cat"]).stdin(bytes.clone()).run().ok();
    assert!(output.stdout == bytes, "{} bytes came back of {}", output.stdout.len(), bytes.len());
}

pub(crate) fn rm_after_failure(host: &Host) {
    let run = host.with_guests().banger(["vm", "run", "--rm"]).args(SMALL);
    run.args(["--", "false"]).run().exits(1);
    assert_eq!(host.machines(), 0);
}

pub(crate) fn environment_and_time_limit(host: &Host) {
    let exec = |args: &[&str]| host.banger(["vm", "exec", "box"]).args(args).run();
    let output = exec(&["--env", "A=1", "--env", "B=x  y=z", "--", "sh", "-c", "echo \"$A:$B:$HOME:$USER\""]);
    assert_eq!(output.ok().stdout(), "1:x  y=z:/root:root\n");

    let output = exec(&["--timeout", "20s", "--", "sh", "-c", "echo began; exec sleep 4321"]).exits(124);
    assert_eq!(output.stdout(), "began\n");
    // What does not hear is ended all the same, and nothing of either is left in the guest.
    exec(&["--timeout", "1s", "--", "sh", "-c", "trap '' TERM; sleep 4321; sleep 4321"]).exits(124);
    wait_for("their end", Duration::from_secs(20), || {
        host.sh("box", "ps -eo args | grep '[s]leep 4321'").run().code == 1
    });
}

/// Three that begin at once. Returns when all have ended.
pub(crate) fn concurrent_runs(host: &Host) {
    host.with_guests();
    let script = "hostname; cat /proc/sys/kernel/random/boot_id";
    let runs: Vec<_> = (0..3)
        .map(|_| {
            let run = host.banger(["-q", "vm", "run", "--rm", "--memory", "512M"]).args(SMALL);
            run.args(["--", "sh", "-c", script]).start()
        })
        .collect();
    let told: BTreeSet<String> = runs.into_iter().map(|run| run.finish().ok().stdout()).collect();
    assert_eq!(told.len(), 3, "{told:?}");
}

pub(crate) fn stdout_and_stderr_apart(host: &Host) {
    let script = "echo out; echo err >&2; echo out again";
    let output = host
        .with_guests()
        .banger(["-q", "vm", "run", "--rm"])
        .args(SMALL)
        .args(["--", "sh", "-c", script])
        .run()
        .ok();
    // That a boot had to be tried again is said even so.
    let told = output.stderr();
    let told: Vec<&str> = told.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert_eq!((&*output.stdout(), &*told), ("out\nout again\n", &["err"][..]));
}

pub(crate) fn detach(host: &Host) {
    let run = host.with_guests().banger(["vm", "run", "-d", "--name", "alone"]).args(SMALL);
    let output = run.run().ok();
    assert_eq!(output.stdout(), "alone\n");
    assert!(output.stderr().contains("spec: "), "{}", output.stderr());
    assert!(output.stderr().contains("ready in "), "{}", output.stderr());
    assert_eq!(host.vm("alone")["state"], "running");
    assert_eq!(host.sh("alone", "hostname").run().ok().stdout(), "alone\n");
    host.delete("alone");
}
