//! `vm run` and `vm exec`: exit codes, streams apart, what stays and what does not.

use smoke::on_plain;

use crate::common::runs;

const SMALL: [&str; 2] = ["--image", "debian-small"];

#[test]
fn stdout_and_stderr_apart() {
    on_plain(|host| {
        let script = "echo out; echo err >&2; echo out again";
        let output = host
            .with_guests()
            .banger(["-q", "vm", "run", "--rm"])
            .args(SMALL)
            .args(["--", "sh", "-c", script])
            .run()
            .ok();
        assert_eq!((&*output.stdout(), &*output.stderr()), ("out\nout again\n", "err\n"));
    });
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
    on_plain(|host| {
        let run = host.with_guests().banger(["vm", "run", "-d", "--name", "alone"]).args(SMALL);
        let output = run.run().ok();
        assert_eq!(output.stdout(), "alone\n");
        assert!(output.stderr().contains("spec: "), "{}", output.stderr());
        assert!(output.stderr().contains("ready in "), "{}", output.stderr());
        assert_eq!(host.vm("alone")["state"], "running");
        assert_eq!(host.sh("alone", "hostname").run().ok().stdout(), "alone\n");
        host.delete("alone");
    });
}
