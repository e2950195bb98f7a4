//! Declare: changes are held, what is in flight is over, the database is copied, the machines are counted; then all
//! that is about to be done is written down.

use std::time::{Duration, Instant};

use api::{Held, client::ClientError};
use install::disk::write_link;
use update::{census::Census, declaration::Declaration, journal::Entry, port::Journal as _};

use super::{hold::hold, host::DrivenHost};
use crate::{
    authorise::{busy, list},
    check,
    error::{Told as _, UpdateError},
    places::Places,
    plan::Plan,
    record,
};

const STEP: &str = "declare";
/// How long what is in flight has to end by itself.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);
/// How long it may clean up once it is cancelled. The daemon gives it as much when it ends itself.
const CLEAN_LIMIT: Duration = Duration::from_secs(20);
/// How often is asked whether it has.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Declares what was prepared.
///
/// # Errors
///
/// Nothing was declared and nothing is held.
pub(super) fn declare(host: &mut DrivenHost, plan: &Plan) -> Result<(), UpdateError> {
    let declared = prepare(host, plan).and_then(|declaration| {
        host.append(&Entry::Declared(Box::new(declaration)))
            .map_err(|_| UpdateError::failed(STEP, "the journal cannot be written"))
    });
    if declared.is_err() {
        host.lease = None;
        host.runtime.block_on(host.client.release(api::HOLDER_UPDATE)).ok();
    }
    declared
}

fn prepare(host: &mut DrivenHost, plan: &Plan) -> Result<Declaration, UpdateError> {
    // Another update may have ended since it was prepared.
    let installed = Places::version_of(&host.places.current());
    if installed.as_ref() != Some(&plan.from) {
        return Err(UpdateError::refused(STEP, format!("{} is not what is installed any more", plan.from))
            .hint("Begin anew."));
    }
    record::keep_room(&host.places.journal()).map_err(|error| error.at(STEP))?;
    // Whoever takes this up from here on is the release that is installed.
    if let Some(keeper) = host.places.keeper() {
        write_link(&keeper, &Places::link_to(&plan.from), host.places.ids())
            .map_err(|error| error.at(STEP))?;
    }
    let Drained { answers, cancelled } = drain(host, plan)?;
    let has_database_copy = copy_database(host, plan)?;
    let census = match host.census() {
        Ok(census) => census,
        Err(why) if answers => return Err(UpdateError::failed(STEP, format!("count the machines: {why}"))),
        // A daemon that cannot be asked is the thing to repair.
        Err(_) => Census::default(),
    };
    Ok(Declaration {
        from: plan.from.clone(),
        to: plan.to.clone(),
        boot: host.boot(),
        census,
        failed_checks: plan.failed_checks.clone(),
        trial_seconds: plan.trial_seconds,
        has_database_copy,
        cancelled,
    })
}

/// What came of holding changes.
struct Drained {
    /// Whether there is a daemon that answers.
    answers: bool,
    /// What was cancelled, in words.
    cancelled: Option<String>,
}

/// Holds changes and waits for those in flight.
fn drain(host: &mut DrivenHost, plan: &Plan) -> Result<Drained, UpdateError> {
    let ask = |host: &DrivenHost| host.runtime.block_on(host.client.hold(&hold()));
    match ask(host) {
        Err(ClientError::Refused { failure }) => {
            return Err(UpdateError { hint: failure.hint, ..UpdateError::refused(STEP, failure.message) });
        }
        Err(_) => {
            // It may be there again in a moment, and must not let anything in then.
            host.hold();
            return Ok(Drained { answers: false, cancelled: None });
        }
        Ok(_) => host.hold(),
    }
    let mut until = Instant::now() + DRAIN_LIMIT;
    let mut cancelled = None;
    loop {
        let held: Held = ask(host).map_err(|error| error.at(STEP))?;
        if held.is_drained() {
            return Ok(Drained { answers: true, cancelled });
        }
        if Instant::now() < until {
            std::thread::sleep(ASK_AGAIN);
        } else if plan.force && cancelled.is_none() {
            for operation in &held.in_flight {
                // One that ended meanwhile needs no cancelling.
                host.runtime.block_on(host.client.cancel(&operation.op)).ok();
            }
            cancelled = Some(list(&held.in_flight));
            until = Instant::now() + CLEAN_LIMIT;
        } else {
            return Err(busy(&held.in_flight));
        }
    }
}

/// Has the database copied by the owner's own hand. Returns whether there is one.
fn copy_database(host: &DrivenHost, plan: &Plan) -> Result<bool, UpdateError> {
    let old = host.places.release(&plan.from);
    let copy = host.places.database_copy().display().to_string();
    let args = ["--copy-database", copy.as_str()];
    let ended = check::database(&host.places, &host.record, &old, &args, STEP)?;
    match ended.code {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(UpdateError::failed(STEP, format!("copy the database: {}", ended.said.trim()))),
    }
}
