//! The checks of a system install: what of it lies on the disk, and what systemd makes of it.

use std::path::Path;

use model::Check;

use crate::{Drift, FilesFact, InstallFacts, ServicesFact, checks, system::joined};

/// Says what each fact about a system install means, in a fixed order.
#[must_use]
pub fn examine_install(facts: &InstallFacts) -> Vec<Check> {
    let again = format!("Write it again: `sudo banger system install --owner {}`.", facts.owner);
    vec![
        version(facts),
        files(facts),
        drift("units", &facts.units, "as this release writes them", &again),
        drift("layout", &facts.layout, "every directory and link is as it was written", &again),
        services(&facts.services),
        checks::a_socket("helper-socket", &facts.helper_socket, "sudo systemctl restart bangerd-root.socket"),
    ]
}

fn version(facts: &InstallFacts) -> Check {
    let InstallFacts { asking, recorded, owner, .. } = facts;
    if asking == recorded {
        return Check::pass("version", asking);
    }
    Check::warn(
        "version",
        format!("this program is {asking}, and {recorded} is installed"),
        format!("Install this one: `sudo banger system install --owner {owner}`."),
    )
}

fn files(facts: &InstallFacts) -> Check {
    let name = "files";
    let shown = |release: &Path| release.display().to_string();
    let again = format!(
        "Install the release again, from its archive: `sudo ./banger system install --owner {}`.",
        facts.owner
    );
    match &facts.files {
        FilesFact::Same { release } => Check::pass(name, format!("as recorded in {}", shown(release))),
        FilesFact::NoRecord { release } => {
            Check::warn(name, format!("{} has no SHA256SUMS to compare with", shown(release)), again)
        }
        FilesFact::Differ { release, programs } => {
            let found = format!("{} in {}: not what was installed", programs.join(", "), shown(release));
            Check::fail(name, found, again)
        }
        FilesFact::Unreadable { why } => Check::fail(name, why, again),
    }
}

/// What is not there does not work; what differs may be what an administrator wants.
fn drift(name: &'static str, drift: &[Drift], good: &str, hint: &str) -> Check {
    if drift.is_empty() {
        return Check::pass(name, good);
    }
    let line = |it: &Drift| {
        let how = if it.is_missing { "missing" } else { "differs" };
        format!("{} {how}", it.path.display())
    };
    let lines: Vec<String> = drift.iter().map(line).collect();
    let found = joined(lines.iter().map(String::as_str));
    if drift.iter().any(|it| it.is_missing) {
        Check::fail(name, found, hint)
    } else {
        Check::warn(name, found, hint)
    }
}

fn services(facts: &ServicesFact) -> Check {
    let name = "services";
    match facts {
        ServicesFact::Unknown { why } => Check::fail(name, why, "See what it says: `banger system status`."),
        ServicesFact::Told { down, .. } if !down.is_empty() => Check::fail(
            name,
            joined(down.iter().map(String::as_str)),
            "Start them again: `sudo banger system restart`.",
        ),
        ServicesFact::Told { unread, .. } if !unread.is_empty() => Check::warn(
            name,
            format!("systemd has not read them since they were changed: {}", unread.join(", ")),
            "Have it read them: `sudo systemctl daemon-reload`.",
        ),
        ServicesFact::Told { .. } => Check::pass(name, "sockets and services are up"),
    }
}
