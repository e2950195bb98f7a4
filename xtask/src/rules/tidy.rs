//! Small things that stay out: attributes and calls that hide something, and texts that belong to a machine.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Breach, Source};

/// A row of tokens, what to say of it, and whether it is meant for tests alone.
struct Pattern {
    words: &'static [&'static str],
    what: &'static str,
    in_tests_only: bool,
}

const SLEEPS: &str = "a test sleeps; wait for a condition, in a function called wait…";

const PATTERNS: &[Pattern] = &[
    Pattern { words: &["#", "[", "ignore"], what: "a test is ignored", in_tests_only: false },
    Pattern {
        words: &["should_panic"],
        what: "a test wants a panic; assert on a value",
        in_tests_only: false,
    },
    Pattern { words: &["todo", "!", "("], what: "something is left to do", in_tests_only: false },
    Pattern { words: &["unimplemented", "!", "("], what: "something is left to do", in_tests_only: false },
    Pattern { words: &["dbg", "!", "("], what: "a debugging aid was left behind", in_tests_only: false },
    Pattern {
        words: &["#", "[", "allow", "("],
        what: "use #[expect(…, reason = \"…\")]",
        in_tests_only: false,
    },
    Pattern {
        words: &["#", "!", "[", "allow", "("],
        what: "use #![expect(…, reason = \"…\")]",
        in_tests_only: false,
    },
    Pattern {
        words: &["cfg", "!", "(", "test"],
        what: "shipped code asks whether it is tested",
        in_tests_only: false,
    },
    Pattern { words: &["thread", "::", "sleep"], what: SLEEPS, in_tests_only: true },
    Pattern { words: &["time", "::", "sleep"], what: SLEEPS, in_tests_only: true },
];

/// How a function, or a file, is named that waits for a condition: it may sleep between two looks.
const WAITS: &str = "wait";

/// Looks for the patterns in every Rust file.
#[must_use]
pub fn check_sources(sources: &[Source]) -> Vec<Breach> {
    sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Breach> {
    let (mut breaches, mut function) = (vec![], "");
    for (index, token) in source.tokens.iter().enumerate() {
        if let Some(name) = source.tokens.get(index + 1).filter(|_| token.text == "fn") {
            function = &name.text;
        }
        let waits = function.starts_with(WAITS) || source.file_name().starts_with(WAITS);
        let matches = |pattern: &&Pattern| {
            let row = source.tokens[index..].iter().map(|token| token.text.as_str());
            let is_there = row.take(pattern.words.len()).eq(pattern.words.iter().copied());
            let is_meant = !pattern.in_tests_only || (token.is_test && !waits);
            is_there && is_meant
        };
        for pattern in PATTERNS.iter().filter(matches) {
            breaches.push(Breach::new(format!("{}:{}", source.path, token.line), pattern.what));
        }
    }
    breaches
}

/// `xtask/tidy.toml`: texts that stand in no file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// From a text to why it may not stand there.
    pub texts: BTreeMap<String, String>,
}

/// Looks for `texts` in one file.
#[must_use]
pub fn check_text(path: &str, content: &str, texts: &Texts) -> Vec<Breach> {
    let mut breaches = vec![];
    for (number, line) in content.lines().enumerate() {
        for (text, why) in &texts.texts {
            if holds(line, text) {
                breaches.push(Breach::new(format!("{path}:{}", number + 1), format!("{text:?}: {why}")));
            }
        }
    }
    breaches
}

/// Whether the line holds the text and not as the end of a longer path or name.
fn holds(line: &str, text: &str) -> bool {
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "._-~}/".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check_sources(&[Source::parse(path, text.to_owned()).unwrap()]).len()
    }

    #[test]
    fn each_pattern_is_found() {
        for bad in [
            "#[ignore] #[test] fn f() {}",
            "#[ignore = \"slow\"] #[test] fn f() {}",
            "#[test] #[should_panic] fn f() {}",
            "fn f() { todo!() }",
            "fn f() { unimplemented!(\"x\") }",
            "fn f() { dbg!(1); }",
            "#[allow(dead_code)] fn f() {}",
            "#![allow(dead_code)]",
            "fn f() { if cfg!(test) {} }",
            "#[test] fn f() { std::thread::sleep(SECOND); }",
            "#[cfg(test)] mod tests { async fn f() { tokio::time::sleep(SECOND).await; } }",
        ] {
            assert_eq!(found("crates/c/src/a.rs", bad), 1, "{bad}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_not() {
        for good in [
            "fn f() { std::thread::sleep(SECOND); }",
            "#[expect(dead_code, reason = \"later\")] fn f() {}",
            "// todo!() and #[ignore]\nconst A: &str = \"#[allow(x)]\";",
            "fn f(todo: u8) -> bool { todo != 1 }",
            "#[test] fn f() { let child = sleep(); }",
        ] {
            assert_eq!(found("crates/c/src/a.rs", good), 0, "{good}");
        }
        assert_eq!(found("tests/smoke/src/wait.rs", "fn f() { thread::sleep(TICK); }"), 0);
        assert_eq!(
            found("tests/smoke/src/host.rs", "fn wait_for() { while !is() { thread::sleep(TICK); } }"),
            0
        );
        assert_eq!(found("tests/smoke/src/host.rs", "fn f() { thread::sleep(TICK); }"), 1);
    }

    #[test]
    fn texts_of_a_machine_are_found() {
        let texts = Texts { texts: [("/house/".to_owned(), "a path of one machine".to_owned())].into() };
        for (line, count) in [
            ("cd /house/x", 1),
            ("\"/house/\"", 1),
            ("/home/me/house/x", 0),
            ("${root}/house/x", 0),
            ("a house", 0),
        ] {
            assert_eq!(check_text("a", line, &texts).len(), count, "{line}");
        }
    }
}
