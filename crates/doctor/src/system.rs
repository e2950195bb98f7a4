//! The checks of system mode that the root helper's facts decide.

use model::Check;

use crate::{Facts, Finding, HelperFact, HelperFacts};

const FIX: &str = "Put it right: `banger doctor --fix`.";
/// Findings that are named; of more there is the number.
const SHOWN_MAX: usize = 5;

/// A few lines as one, with the number of those that are left out.
pub(crate) fn joined<'a>(lines: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = lines.len().saturating_sub(SHOWN_MAX);
    let shown: Vec<&str> = lines.take(SHOWN_MAX).collect();
    let shown = shown.join("; ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// All of them; none where there is no helper.
pub(crate) fn all(facts: &Facts) -> Vec<Check> {
    match &facts.helper {
        HelperFact::NotWanted => vec![],
        HelperFact::Unreachable { why } => {
            vec![Check::fail("helper", why, "See why: `journalctl -u bangerd-root.service`.")]
        }
        HelperFact::Told(told) => vec![
            Check::pass("helper", "it answers"),
            network(told),
            warned("routes", &told.routes, "no route leads into the machines' subnet", SUBNET),
            warned("forward", &told.forward, "nobody drops what machines send", FIX),
            warned("names", &told.names, "the hosts file has the machines' names", FIX),
            users(told),
            file_system(told),
        ],
    }
}

const SUBNET: &str = "Set `subnet` in /etc/banger/config.toml to one that is free, then `sudo banger system restart`; it counts once every machine was deleted.";

/// Machines run without it, so it is no failure.
fn warned(name: &'static str, found: &[Finding], good: &str, hint: &str) -> Check {
    match found {
        [] => Check::pass(name, good),
        [first, ..] => {
            let hint = first.hint.as_deref().unwrap_or(hint);
            Check::warn(name, joined(found.iter().map(|it| it.what.as_str())), hint)
        }
    }
}

fn network(told: &HelperFacts) -> Check {
    match &told.network[..] {
        [] => Check::pass("network", "bridge, taps and rules are as the leases want them"),
        found => Check::fail("network", joined(found.iter().map(|it| it.what.as_str())), FIX),
    }
}

fn users(told: &HelperFacts) -> Check {
    match &told.uid_conflicts[..] {
        [] => Check::pass("users", "nobody else has the machines' user numbers"),
        found => Check::fail(
            "users",
            joined(found.iter().map(String::as_str)),
            "See who: `getent passwd`; give that user another number, or set `uid_base` in \
            /etc/banger/config.toml, which counts once every machine was deleted.",
        ),
    }
}

fn file_system(told: &HelperFacts) -> Check {
    let name = "file-system";
    if told.one_file_system {
        return Check::pass(name, "the machines' files and root's copy lie on one file system");
    }
    Check::fail(
        name,
        "/var/lib/banger and /var/lib/banger-root lie on two file systems, and no machine starts",
        "Move one to the other's; see where they lie: `findmnt --target /var/lib/banger-root`.",
    )
}
