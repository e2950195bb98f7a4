//! A scenario, from its home to its report.

use std::{
    any::type_name,
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread,
    time::Instant,
};

use serde::Deserialize;

use crate::{
    Host,
    inside::{self, Kind},
    place,
    report::{Ended, Report},
};

/// Says that a scenario cannot be held here, and ends it: `skip!(host, "what is missing")`.
#[macro_export]
macro_rules! skip {
    ($host:expr, $missing:expr) => {{
        $host.skip($missing);
        return;
    }};
}

/// Runs a scenario on a plain host. Its name is that of the test that calls this.
///
/// # Panics
///
/// Where the scenario fails, or leaves something.
pub fn on_plain<F: FnOnce(&Host)>(body: F) {
    let scenario = name_of::<F>();
    let host = Host::plain(&scenario);
    run(&scenario, &host, body);
}

/// Runs a scenario on a host with a systemd of its own, whose user `dev` is to own the machines: a container, or
/// what `BANGER_SMOKE_HOST` asks for. Its name is that of the test that calls this. Where this machine cannot have
/// such a host, the scenario is skipped.
///
/// # Panics
///
/// Where the scenario fails, or leaves something; where the host does not come up.
pub fn on_service<F: FnOnce(&Host)>(body: F) {
    let scenario = name_of::<F>();
    let kind = Kind::asked_for();
    if let Some(missing) = inside::lacks(kind) {
        assert_may_skip(&scenario, kind.name(), missing);
        println!("skipped: {missing}");
        let ended = Ended::Skipped(missing.to_owned());
        return Report { scenario, ended, seconds: 0, notes: vec![] }.write();
    }
    Report { scenario: scenario.clone(), ended: Ended::Not, seconds: 0, notes: vec![] }.write();
    let host = Host::service(&scenario, kind);
    run(&scenario, &host, body);
}

fn run(scenario: &str, host: &Host, body: impl FnOnce(&Host)) {
    let ran = reported(scenario, host, || {
        body(host);
        host.assert_leaves_nothing();
        host.assert_parts_are_well();
    });
    if let Err(panic) = ran {
        host.clear_up();
        resume_unwind(panic);
    }
}

/// Gives a host to something that is no scenario, such as a measurement. It leaves nothing either.
pub(crate) fn with_host<T>(name: &str, body: impl FnOnce(&Host) -> T) -> T {
    let host = Host::plain(name);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let made = body(&host);
        host.assert_leaves_nothing();
        made
    }));
    ran.unwrap_or_else(|panic| {
        host.clear_up();
        resume_unwind(panic)
    })
}

/// Runs a scenario, or a part of one, and reports what became of it.
pub(crate) fn reported(scenario: &str, host: &Host, body: impl FnOnce()) -> thread::Result<()> {
    let began = Instant::now();
    let report = |ended, notes| {
        let seconds = began.elapsed().as_secs();
        Report { scenario: scenario.to_owned(), ended, seconds, notes }.write();
    };
    report(Ended::Not, vec![]);
    // What was noted before belongs to the scenario of which this is a part.
    let before = host.swap_notes(vec![]);
    let ran = catch_unwind(AssertUnwindSafe(body));
    let notes = host.swap_notes(before);
    match (&ran, host.skipped()) {
        (Ok(()), None) => report(Ended::Passed, notes),
        (Ok(()), Some(missing)) => {
            println!("skipped: {missing}");
            report(Ended::Skipped(missing), notes);
        }
        (Err(_), _) => report(Ended::Failed, notes),
    }
    ran
}

/// The last name before `{{closure}}` in the body's type: the function that it stands in.
fn name_of<F>() -> String {
    let path = type_name::<F>();
    let names = path.split("::").filter(|name| !name.starts_with('{'));
    names.last().unwrap_or(path).to_owned()
}

/// Stands for every scenario in `tests/skips.toml`.
const EVERY: &str = "*";

#[derive(Debug, Deserialize)]
struct Skips {
    #[serde(default)]
    skip: Vec<Skip>,
}

#[derive(Debug, Deserialize)]
struct Skip {
    scenario: String,
    hosts: BTreeSet<String>,
    missing: String,
}

/// Holds `tests/skips.toml` to allow it.
pub(crate) fn assert_may_skip(scenario: &str, host: &str, missing: &str) {
    let path = place::repository().join("tests/skips.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    assert!(
        may_skip(&text, scenario, host, missing),
        "{scenario} would be skipped for want of {missing}, which tests/skips.toml does not allow here"
    );
}

fn may_skip(skips: &str, scenario: &str, host: &str, missing: &str) -> bool {
    let skips: Skips = toml::from_str(skips).unwrap_or_else(|error| panic!("read tests/skips.toml: {error}"));
    let is_meant = |skip: &Skip| skip.scenario == scenario || skip.scenario == EVERY;
    let fits = |skip: &Skip| is_meant(skip) && skip.hosts.contains(host) && skip.missing == missing;
    skips.skip.iter().any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name<F: FnOnce()>(_: F) -> String {
        name_of::<F>()
    }

    #[test]
    fn a_scenario_is_called_as_its_test_is() {
        assert_eq!(name(|| {}), "a_scenario_is_called_as_its_test_is");
    }

    #[test]
    fn only_a_skip_that_is_listed_is_allowed() {
        let skips =
            "[[skip]]\nscenario = \"egress\"\nhosts = [\"plain\"]\nmissing = \"a network\"\nreason = \"r\"";
        for (scenario, host, missing, may) in [
            ("egress", "plain", "a network", true),
            ("egress", "metal", "a network", false),
            ("egress", "plain", "a bridge", false),
            ("ports", "plain", "a network", false),
        ] {
            assert_eq!(may_skip(skips, scenario, host, missing), may, "{scenario} {host} {missing}");
        }
        assert!(!may_skip("", "egress", "plain", "a network"));
        assert!(may_skip(&skips.replace("egress", "*"), "ports", "plain", "a network"));
    }
}
