//! The tool around machines.

use std::time::Duration;

use smoke::{Command, Host, wait::wait_until};

const LIMIT: Duration = Duration::from_secs(20);

/// The shells that complete. Of these only bash need be installed.
pub(crate) const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// What a shell offers after these words.
pub(crate) fn offered(host: &Host, shell: &str, words: &[&str]) -> Vec<String> {
    let output = if shell == "bash" { bash(host, words) } else { question(host, shell, words) }.run().ok();
    assert_eq!(output.stderr(), "", "{shell}");
    let stdout = output.stdout();
    // Behind a tab in fish and behind a colon in zsh stands what the help says of it.
    let names = stdout.lines().filter_map(|line| line.split(['\t', ':']).next());
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A bash that completes.
fn bash(host: &Host, words: &[&str]) -> Command {
    let script = "source <(banger completion bash); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); COMP_TYPE=9; \
        function=$(complete -p banger | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $function banger \"${!#}\"; \
        printf '%s\\n' \"${COMPREPLY[@]}\"";
    host.program("/bin/bash").args(["-c", script, "bash"]).args(words)
}

/// The question that the script of a shell asks.
fn question(host: &Host, shell: &str, words: &[&str]) -> Command {
    let call = host.banger(["--"]).args(words).env("COMPLETE", shell);
    call.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
}

/// Waits until that is what every shell offers: a daemon that does not answer within a glance is not waited for by one.
#[track_caller]
fn wait_for_offer(host: &Host, words: &[&str], wanted: &[&str]) {
    for shell in SHELLS {
        let came = wait_until(LIMIT, || (offered(host, shell, words) == wanted).then_some(()));
        assert!(came.is_some(), "{shell}: {words:?}: {:?}", offered(host, shell, words));
    }
}

pub(crate) fn completion_is_live(host: &Host) {
    host.with_guests();
    for name in ["box-one", "box-two", "other"] {
        host.banger(["vm", "create", "--no-start", "--name", name, "--image", "debian-small"]).run().ok();
    }
    wait_for_offer(host, &["banger", "vm", "stop", "bo"], &["box-one", "box-two"]);
    wait_for_offer(host, &["banger", "vm", "run", "--image", "debian-s"], &["debian-small"]);
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
