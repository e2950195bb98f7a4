//! `doctor --fix`: what is safe to put right, is.
//!
//! What was done is told from the facts before and after: nothing is called fixed that is not gone.

use std::{collections::BTreeSet, sync::Arc};

use api::{DoctorDefaults, DoctorReport, Failure};
use doctor::{Facts, HelperFact};

use super::{
    doctor::{facts, report},
    helper::stale,
};
use crate::{app::App, hands::Hands, machine};

/// Checks the host, puts right what is safe to, and checks again. Machines that are recorded keep what they have.
///
/// # Errors
///
/// The facts cannot be gathered. What cannot be put right is in the report.
pub(crate) async fn fix(app: &Arc<App>, defaults: &DoctorDefaults) -> Result<DoctorReport, Failure> {
    let before = facts(app, defaults).await?;
    let mut unfixed = vec![];
    let mut keep = |done: Result<(), Failure>| unfixed.extend(done.err().map(|failure| failure.message));
    for failure in machine::remove_strays(app).await {
        keep(Err(failure));
    }
    match machine::unsettled(app) {
        Ok(vms) => {
            for (vm, _) in vms {
                keep(machine::settle_again(app, &vm).await);
            }
        }
        Err(failure) => keep(Err(failure)),
    }
    if let Hands::Helper(helper) = &app.hands {
        match helper.facts().await {
            Ok(facts) => {
                for id in stale(app, &facts) {
                    keep(helper.release(&id).await);
                }
                keep(helper.apply().await);
            }
            Err(failure) => keep(Err(failure)),
        }
    }
    let after = facts(app, defaults).await?;
    let fixed = gone(&before, &after);
    for what in &fixed {
        tracing::warn!("put right: {what}");
    }
    Ok(DoctorReport { fixed, unfixed, ..report(&after) })
}

/// What was wrong before and is not any more, a line each.
fn gone(before: &Facts, after: &Facts) -> Vec<String> {
    let after: BTreeSet<String> = wrong(after).into_iter().collect();
    wrong(before).into_iter().filter(|line| !after.contains(line)).collect()
}

fn wrong(facts: &Facts) -> Vec<String> {
    let removed = |line: &String| format!("removed: {line}");
    let mut lines: Vec<String> = facts.strays.iter().map(removed).collect();
    lines.extend(facts.unsettled.iter().map(|line| format!("settled: {line}")));
    if let HelperFact::Told(told) = &facts.helper {
        lines.extend(told.strays.iter().map(removed));
        let findings = [&told.network, &told.forward, &told.names].into_iter().flatten();
        lines.extend(findings.map(|finding| format!("put right: {}", finding.what)));
    }
    lines
}
