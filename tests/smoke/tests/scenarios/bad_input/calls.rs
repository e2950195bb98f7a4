//! What is refused before anything is created. None of these needs a guest.

use smoke::{Host, on_plain};

/// Holds each call to an exit code and a word that its message must hold, and all to have created nothing.
fn refused(host: &Host, cases: &[(&[&str], i32, &str)]) {
    for (args, code, word) in cases {
        let output = host.banger(args.iter()).run().exits(*code);
        let (stdout, stderr) = (output.stdout(), output.stderr());
        assert_eq!(stdout, "", "{args:?}");
        assert!(stderr.contains(word), "{args:?} does not say {word:?}: {stderr}");
        assert!(!stderr.contains("os error"), "{args:?}: {stderr}");
    }
    assert_eq!(host.machines(), 0);
}

#[test]
fn invalid_name_leaves_no_row() {
    let long = "n".repeat(64);
    on_plain(|host| {
        refused(
            host,
            &[
                (&["vm", "create", "--name", ""], 2, "name"),
                (&["vm", "create", "--name", "Upper"], 2, "Upper"),
                (&["vm", "create", "--name", "-a"], 2, "-a"),
                (&["vm", "create", "--name", "a-"], 2, "a-"),
                (&["vm", "create", "--name", "a_b"], 2, "a_b"),
                (&["vm", "create", "--name", "../x"], 2, "../x"),
                (&["vm", "create", "--name", &long], 2, "63"),
                (&["vm", "create", "--image", "no-such-image"], 1, "no-such-image"),
            ],
        );
    });
}

#[test]
fn invalid_spec_leaves_no_row() {
    on_plain(|host| {
        refused(
            host,
            &[
                (&["vm", "create", "--vcpu", "0"], 2, "vcpu"),
                (&["vm", "create", "--vcpu", "33"], 2, "32"),
                (&["vm", "create", "--memory", "1M"], 2, "memory"),
                (&["vm", "create", "--memory", "4X"], 2, "4X"),
                (&["vm", "create", "--disk-size", "0"], 2, "disk"),
                (&["vm", "create", "--publish", "0:80"], 2, "0:80"),
                (&["vm", "create", "--publish", "8080:80", "--publish", "8080:81"], 2, "twice"),
            ],
        );
    });
}

#[test]
fn detach_conflicts_refused_early() {
    on_plain(|host| {
        refused(
            host,
            &[(&["vm", "run", "-d", "--rm"], 2, "--rm"), (&["vm", "run", "-d", "--", "true"], 2, "-d")],
        );
    });
}
