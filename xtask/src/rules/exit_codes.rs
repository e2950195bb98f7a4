//! `docs/exit-codes.md` is the table of exit codes.

use std::collections::BTreeMap;

use crate::Breach;

const FILE: &str = "docs/exit-codes.md";

/// Compares the document's rows (`` | `3` | `refused` | … | ``) with the classes' own names and codes.
#[must_use]
pub fn check(text: &str, classes: &BTreeMap<String, u8>) -> Vec<Breach> {
    let mut written = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> =
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        if let [code, class, ..] = cells[..]
            && let Ok(code) = code.parse::<u8>()
        {
            written.insert(class.to_owned(), code);
        }
    }
    let mut breaches = vec![];
    for (class, code) in classes {
        if written.get(class) != Some(code) {
            breaches.push(Breach::new(
                FILE,
                format!("{class} is {code} and {:?} in the table", written.get(class)),
            ));
        }
    }
    for (class, code) in written.iter().filter(|(class, _)| !classes.contains_key(*class)) {
        breaches.push(Breach::new(FILE, format!("the table has {class} ({code}), which is no class")));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_too_few_too_many_or_wrong_is_found() {
        let classes = BTreeMap::from([("failed".to_owned(), 1), ("usage".to_owned(), 2)]);
        let table = "| Code | Class |\n|---|---|\n| `1` | `failed` | x |\n| `2` | `usage` | x |\n";
        assert_eq!(check(table, &classes), []);
        for (from, to, count) in [
            ("| `2` | `usage` | x |\n", "", 1),
            ("`2`", "`3`", 1),
            ("`usage`", "`use`", 2),
            ("| `2`", "| `9` | `other` | x |\n| `2`", 1),
        ] {
            assert_eq!(check(&table.replace(from, to), &classes).len(), count, "{from} → {to}");
        }
    }
}
