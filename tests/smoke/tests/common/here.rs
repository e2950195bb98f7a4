//! What is on the host is made and looked at by its own shell: the files need be on no disk of this machine.

use smoke::Host;

/// Runs a script in the home; returns what it printed.
#[track_caller]
pub(crate) fn sh(host: &Host, script: &str, args: &[&str]) -> String {
    host.program("/bin/sh").args(["-c", script, "sh"]).args(args).run().ok().stdout()
}
