//! `tests/skips.toml`: which scenarios may be skipped, where, and why.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::Breach;

const FILE: &str = "tests/skips.toml";
const HOSTS: [&str; 4] = ["plain", "service", "kvm", "metal"];

/// Stands for every scenario of a kind of host: what a whole kind of host needs.
const EVERY: &str = "*";

/// One scenario that may be skipped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The name of the test; `*` for every scenario on such a host.
    pub scenario: String,
    /// The kinds of host on which it may be skipped.
    pub hosts: Vec<String>,
    /// What a host may lack, as the scenario says it: the text after `skipped: `.
    pub missing: String,
    /// Why that is no reason to be red.
    pub reason: String,
}

/// `tests/skips.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skips {
    /// Every skip that is not red.
    #[serde(default)]
    pub skip: Vec<Skip>,
}

/// Looks at every entry; `tests` are the names of all tests, as `crate::name`.
#[must_use]
pub fn check(skips: &Skips, tests: &BTreeSet<String>) -> Vec<Breach> {
    let mut breaches = vec![];
    for skip in &skips.skip {
        let mut add = |what: String| breaches.push(Breach::new(FILE, format!("{}: {what}", skip.scenario)));
        if skip.scenario != EVERY && !tests.contains(&format!("smoke::{}", skip.scenario)) {
            add("there is no such scenario".to_owned());
        }
        for host in skip.hosts.iter().filter(|host| !HOSTS.contains(&host.as_str())) {
            add(format!("there is no kind of host {host:?}"));
        }
        if skip.hosts.is_empty() || skip.missing.trim().is_empty() || skip.reason.trim().is_empty() {
            add("it needs hosts, what is missing, and a reason".to_owned());
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_a_scenario_and_a_reason() {
        let tests = BTreeSet::from(["smoke::egress".to_owned()]);
        let good =
            "[[skip]]\nscenario = \"egress\"\nhosts = [\"plain\"]\nmissing = \"a network\"\nreason = \"r\"\n";
        let found = |text: &str| check(&toml::from_str(text).unwrap(), &tests).len();
        assert_eq!(found(good), 0);
        assert_eq!(found(&good.replace("egress", "*")), 0);
        for (from, to) in [("egress", "other"), ("\"r\"", "\"\""), ("[\"plain\"]", "[]"), ("plain", "cloud")]
        {
            assert_eq!(found(&good.replace(from, to)), 1, "{from} → {to}");
        }
        assert!(toml::from_str::<Skips>(&good.replace("reason = \"r\"\n", "")).is_err());
    }
}
