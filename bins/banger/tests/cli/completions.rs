//! What a shell is offered, asked for as its script asks.

use crate::host::Host;

/// The words that no help shows: of tests, of mirrors, of banger itself.
const HIDDEN: [&str; 6] =
    ["--manifest-url", "--pubkey-file", "--trial-seconds", "--drive", "--before-services", "internal"];

/// What a shell is offered where the last of these words is being typed.
fn offered(host: &Host, shell: &str, words: &[&str]) -> Vec<String> {
    let mut command = host.banger();
    command
        .env("COMPLETE", shell)
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_COMPLETE_COMP_TYPE", "9");
    let output = command.args(["--", "banger"]).args(words).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{words:?}: {output:?}");
    // Behind a tab in fish and behind a colon in zsh stands what the help says of it.
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.split(['\t', ':']).next().unwrap().to_owned()).collect()
}

#[test]
fn completing_without_a_daemon_is_silent_and_starts_none() {
    let host = Host::new();
    for (words, wanted) in [
        (&["vm", "st"][..], &["start", "stop", "stats"][..]),
        (&["vm", "start", ""], &[]),
        (&["run", "--image", ""], &[]),
    ] {
        for shell in ["bash", "zsh", "fish"] {
            let mut names = offered(&host, shell, words);
            names.retain(|name| !name.starts_with('-'));
            assert_eq!(names, wanted, "{shell}: {words:?}");
        }
    }
    assert_eq!(std::fs::read_dir(host.path().join("runtime")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(host.path().join("state")).unwrap().count(), 0);
}

#[test]
fn what_the_help_hides_is_offered_to_no_shell() {
    let host = Host::new();
    for words in [&["--help"][..], &["update", "--help"]] {
        let help = String::from_utf8(host.run(words).stdout).unwrap();
        assert!(HIDDEN.iter().all(|hidden| !help.contains(hidden)), "{help}");
    }
    // It is there for those who know of it.
    for hidden in ["--manifest-url", "--pubkey-file", "--trial-seconds"] {
        let said = host.look(&["update", hidden]);
        assert!(said.contains(&format!("a value is required for '{hidden} ")), "{said}");
    }
    for shell in ["bash", "zsh", "fish"] {
        for (words, wanted) in [
            (&["update", "--c"][..], &["--check", "--color"][..]),
            (&["update", "--d"], &["--dry-run"]),
            (&["update", "--m"], &[]),
            (&["update", "--manif"], &[]),
            (&["update", "--manifest-url"], &[]),
            (&["update", "--manifest-url", "x", "--che"], &["--check"]),
            (&["update", "--pub"], &[]),
            (&["update", "--tr"], &[]),
            (&["update", "--dri"], &[]),
            (&["update", "--be"], &[]),
            (&["in"], &["info"]),
            (&["int"], &[]),
            (&["internal", "man"], &[]),
        ] {
            assert_eq!(offered(&host, shell, words), wanted, "{shell}: {words:?}");
        }
        for words in [&[""][..], &["-"], &["--"], &["update", ""], &["update", "-"], &["update", "--"]] {
            let words_offered = offered(&host, shell, words);
            assert!(words_offered.contains(&"--json".to_owned()), "{shell}: {words:?}: {words_offered:?}");
            let hidden: Vec<_> =
                words_offered.iter().filter(|word| HIDDEN.contains(&word.as_str())).collect();
            assert!(hidden.is_empty(), "{shell}: {words:?}: {hidden:?}");
        }
    }
}
