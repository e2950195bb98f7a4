//! What is built into the program that runs as root (`xtask/root_crates.toml`): each name was looked at.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::Breach;

/// `xtask/root_crates.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootCrates {
    /// The program.
    pub program: String,
    /// Every crate that may be built into it, ours and others', however far away.
    pub crates: BTreeSet<String>,
}

/// Holds what is built into the program to the list, in both directions.
#[must_use]
pub fn check(list: &RootCrates, reaches: &BTreeSet<String>) -> Vec<Breach> {
    let breach = |name: &String, what: &str| Breach::new(name, format!("{what} {}", list.program));
    let new = reaches.difference(&list.crates).map(|name| breach(name, "nobody let it into"));
    let gone = list.crates.difference(reaches).map(|name| breach(name, "it is listed and no longer in"));
    new.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_and_what_goes_is_found() {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let list = RootCrates { program: "helper".to_owned(), crates: set(&["serde", "tokio"]) };
        let found = |names| check(&list, &set(names)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found(&["serde", "tokio"]), [""; 0]);
        assert_eq!(found(&["evil", "serde", "tokio"]), ["evil: nobody let it into helper"]);
        assert_eq!(found(&["serde"]), ["tokio: it is listed and no longer in helper"]);
    }
}
