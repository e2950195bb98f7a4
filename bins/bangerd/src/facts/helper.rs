//! What the root helper tells, in `doctor`'s words.

use std::collections::BTreeSet;

use doctor::{Finding, HelperFact, HelperFacts};
use model::VmId;
use privileged::{Facts, NetworkPart};

use crate::{app::App, hands::Hands, machine};

/// What the helper sees, where there is one.
pub(super) async fn fact(app: &App) -> HelperFact {
    let Hands::Helper(helper) = &app.hands else {
        return HelperFact::NotWanted;
    };
    match helper.facts().await {
        Err(failure) => HelperFact::Unreachable { why: failure.message },
        Ok(facts) => {
            let stale = stale(app, &facts);
            HelperFact::Told(told(facts, &stale))
        }
    }
}

/// The machines of which the helper holds something and of which there is no record.
///
/// A record is written before its machine is given anything, and the facts are older than the records that are
/// looked at here: so what has none is not just being made.
///
/// One whose disks are there keeps what it has: its record is lost, and may come back.
pub(super) fn stale(app: &App, facts: &Facts) -> BTreeSet<VmId> {
    let snapshot = app.owner.snapshot();
    // Where they cannot be read, nothing is known to be stale.
    let Ok(found) = machine::unrecorded(app) else { return BTreeSet::new() };
    let named = facts
        .stale_units
        .iter()
        .flat_map(|unit| unit.split(['-', '.']))
        .chain(facts.stale_machines.iter().map(String::as_str));
    let ids = named.filter_map(|word| word.parse().ok()).chain(facts.leased.iter().cloned());
    let is_stale = |id: &VmId| snapshot.by_id(id).is_none() && !app.busy.has(id) && !found.lost.contains(id);
    ids.filter(is_stale).collect()
}

fn told(facts: Facts, stale: &BTreeSet<VmId>) -> HelperFacts {
    let leases =
        facts.leased.iter().filter(|id| stale.contains(id)).map(|id| format!("lease of machine {id}"));
    let lines =
        |what: &'static str, names: Vec<String>| names.into_iter().map(move |name| format!("{what} {name}"));
    let strays = leases
        .chain(lines("unit", facts.stale_units))
        .chain(lines("directory of machine", facts.stale_machines))
        .chain(lines("tap", facts.stale_taps))
        .chain(lines("rule for tap", facts.stale_rules))
        .chain(lines("map", facts.stale_maps))
        .collect();
    let mut told = HelperFacts {
        strays,
        uid_conflicts: facts.uid_conflicts,
        one_file_system: facts.one_file_system,
        ..HelperFacts::default()
    };
    for fact in facts.network {
        let of = match fact.about {
            NetworkPart::Own => &mut told.network,
            NetworkPart::Routes => &mut told.routes,
            NetworkPart::Forward => &mut told.forward,
            NetworkPart::Names => &mut told.names,
        };
        of.push(Finding { what: fact.what, hint: fact.hint });
    }
    told
}
