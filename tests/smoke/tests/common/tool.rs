//! The tool around machines.

use std::time::Duration;

use smoke::{Host, wait::wait_until};

const LIMIT: Duration = Duration::from_secs(20);

/// What a bash offers after these words.
pub(crate) fn offered(host: &Host, words: &[&str]) -> String {
    let script = "source <(banger completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; \
        function=$(complete -p banger | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $function banger \"${!#}\"; \
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = host.program("/bin/bash").args(["-c", script, "bash"]).args(words).run().ok();
    assert_eq!(output.stderr(), "");
    output.stdout()
}

/// Waits until that is what is offered: a daemon that does not answer within a glance is not waited for by a shell.
#[track_caller]
fn wait_for_offer(host: &Host, words: &[&str], wanted: &str) {
    let came = wait_until(LIMIT, || (offered(host, words) == wanted).then_some(()));
    assert!(came.is_some(), "{words:?}: {:?}", offered(host, words));
}

pub(crate) fn completion_is_live(host: &Host) {
    host.with_guests();
    for name in ["box-one", "box-two", "other"] {
        host.banger(["vm", "create", "--no-start", "--name", name, "--image", "debian-small"]).run().ok();
    }
    wait_for_offer(host, &["banger", "vm", "stop", "bo"], "box-one\nbox-two\n");
    wait_for_offer(host, &["banger", "vm", "run", "--image", "debian-s"], "debian-small\n");
    host.banger(["vm", "prune", "-f"]).run().ok();
}

pub(crate) fn health_ping_and_stats(host: &Host) {
    let ask = |command: &str, what: &str| {
        let output = host.banger(["vm", command, "--json", "box"]).run().ok();
        output.json()["result"][what].take()
    };
    let boot_id = host.sh("box", "cat /proc/sys/kernel/random/boot_id").run().ok().stdout();
    let health = ask("health", "health");
    assert_eq!((&health["healthy"], &health["boot_id"]), (&true.into(), &boot_id.trim().into()), "{health}");
    let is_some = |value: &serde_json::Value| value.as_u64().is_some_and(|number| number > 0);
    assert!(is_some(&ask("ping", "health")["round_trip_micros"]));
    let stats = ask("stats", "stats");
    for value in
        [&stats["cpu_millis"], &stats["memory_resident_bytes"], &stats["guest"]["memory_total_bytes"]]
    {
        assert!(is_some(value), "{stats}");
    }
}
