//! What the documents promise names a test that exists, or says that there is none yet.
//!
//! A promise is a row of a table whose last column is headed `Test`. It holds tests as
//! `` `crate::name_of_the_test` ``, or the words "not yet tested".

use std::collections::BTreeSet;

use crate::{Breach, Source};

const NOT_YET: &str = "not yet tested";

/// Collects the names of all tests, as `crate::name`.
#[must_use]
pub fn tests(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        let words: Vec<&str> = source.tokens.iter().map(|token| token.text.as_str()).collect();
        for (index, _) in words.windows(2).enumerate().filter(|(_, pair)| **pair == ["test", "]"]) {
            let rest = &words[index..];
            let name = rest.iter().position(|word| *word == "fn").and_then(|at| rest.get(at + 1));
            if let (Some(krate), Some(name)) = (source.crate_name(), name) {
                names.insert(format!("{krate}::{name}"));
            }
        }
    }
    names
}

/// Looks at the promises of one document.
#[must_use]
pub fn check(path: &str, text: &str, tests: &BTreeSet<String>) -> Vec<Breach> {
    let (mut breaches, mut rows, mut in_promises) = (vec![], 0_usize, false);
    for (number, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let Some(last) = cells.last().filter(|_| line.starts_with('|')) else {
            in_promises = false;
            continue;
        };
        if *last == "Test" {
            in_promises = true;
        } else if in_promises && !last.starts_with("--") {
            rows += 1;
            let place = format!("{path}:{}", number + 1);
            breaches.extend(check_cell(last, tests).into_iter().map(|what| Breach::new(&place, what)));
        }
    }
    if rows == 0 {
        breaches.push(Breach::new(path, "it promises nothing"));
    }
    breaches
}

fn check_cell(cell: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
    if named.is_empty() && !cell.contains(NOT_YET) {
        return vec![format!("it names no test and does not say \"{NOT_YET}\"")];
    }
    let missing = named.iter().filter(|name| !tests.contains(**name));
    missing.map(|name| format!("there is no test {name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_names_a_test_or_says_that_there_is_none() {
        let source = "#[test] fn a_holds() {} #[tokio::test] async fn b_holds() {} fn c() {}".to_owned();
        let tests = tests(&[Source::parse("crates/vm/src/a.rs", source).unwrap()]);
        assert_eq!(tests.iter().map(String::as_str).collect::<Vec<_>>(), ["vm::a_holds", "vm::b_holds"]);
        for (cell, count) in [
            ("`vm::a_holds`, `vm::b_holds`", 0),
            ("not yet tested", 0),
            ("`vm::c`", 1),
            ("`vm::a_holds`, `store::a_holds`", 1),
            ("later", 1),
            ("", 1),
        ] {
            let text = format!("| # | Promise | Test |\n|---|---|---|\n| P1 | it holds | {cell} |\n");
            assert_eq!(check("a.md", &text, &tests).len(), count, "{cell:?}");
        }
        assert_eq!(check("a.md", "| # | Promise |\n|---|---|\n| P1 | x |\n", &tests).len(), 1);
    }
}
