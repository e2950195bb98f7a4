//! Whose turn it is.

use std::{os::unix::process::CommandExt as _, path::PathBuf, process::Command};

use tokio::runtime::Handle;
use update::{
    declaration::{Declaration, Side},
    drive::{DriveError, Stop},
    journal::fold,
    port::{Journal as _, Moment},
    state::State,
};

use super::{declare::declare, host::SystemHost};
use crate::{
    error::{Told as _, UpdateError},
    places::{Places, canonical},
    plan::Plan,
    record::{self, End, Outcome, lock},
};

const STEP: &str = "resume";

/// How a driver's turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is no update.
    Idle,
    /// It is over.
    Over,
    /// What is left to be done wants services, which a boot starts next.
    Later,
}

/// Drives: declares what was prepared unless something is declared already, and carries on. Where the other release's
/// driver has the turn, this process becomes that one.
///
/// # Errors
///
/// It went no further, in words for whoever reads the unit's journal.
pub fn drive(runtime: Handle) -> Result<Ending, UpdateError> {
    let mut host = SystemHost::connect(runtime, "declare")?;
    let _lock = lock::take(&host.places.driver_lock(), "declare")?;
    let me = if let Some(declaration) = declared(&mut host)? {
        side(&host.places, &declaration)?
    } else {
        // What lies there without a whole line was never declared; whoever left it told so.
        if std::fs::exists(host.places.journal()).map_err(|error| error.at("declare"))? {
            record::forget_undeclared(&host.places).map_err(|error| error.at("declare"))?;
            return Ok(Ending::Idle);
        }
        let plan = Plan::read(&host.places)?;
        if let Err(error) = declare(&mut host, &plan) {
            abandoned(&host.places, &plan, &error);
            return Err(error);
        }
        Side::Old
    };
    host.hold();
    match update::drive::drive(&mut host, me, Moment::Up) {
        Ok(Stop::HandOver(declaration, turn)) => {
            let program = program_of(&host.places, &declaration, turn);
            drop(host);
            let error = Command::new(&program).args(["update", "--drive"]).exec();
            Err(UpdateError::failed(
                "restart",
                format!("execute {}: {}", program.display(), error.at("restart").why),
            ))
        }
        stop => ending(&host.places, stop),
    }
}

/// Takes up an update whose driver is gone. As the release that goes back: where this program is the other one, it
/// becomes that.
///
/// # Errors
///
/// It went no further; doing it again is safe.
pub fn resume(runtime: Handle, moment: Moment) -> Result<Ending, UpdateError> {
    let mut host = SystemHost::connect(runtime, STEP)?;
    let lock = lock::take(&host.places.driver_lock(), STEP)?;
    let Some(declaration) = declared(&mut host)? else {
        record::forget_undeclared(&host.places).map_err(|error| error.at(STEP))?;
        return Ok(Ending::Idle);
    };
    if side(&host.places, &declaration).ok() != Some(Side::Old) {
        let program = program_of(&host.places, &declaration, Side::Old);
        if std::env::current_exe().ok() == std::fs::canonicalize(&program).ok() {
            return Err(UpdateError::failed(STEP, format!("{} does not know itself", program.display())));
        }
        let moment = (moment == Moment::BeforeServices).then_some("--before-services");
        drop((host, lock));
        let error = Command::new(&program).args(["update", "--resume"]).args(moment).exec();
        return Err(UpdateError::failed(
            STEP,
            format!("execute {}: {}", program.display(), error.at(STEP).why),
        ));
    }
    if moment == Moment::Up {
        host.hold();
    }
    match update::drive::resume(&mut host, moment) {
        Ok(Stop::Later) => {
            // What a boot starts next is on trial.
            host.mark_trial().map_err(|error| error.at(STEP))?;
            Ok(Ending::Later)
        }
        Ok(Stop::HandOver(declaration, turn)) => {
            // This process stays, as the one that goes back should the other end too early.
            let program = program_of(&host.places, &declaration, turn);
            drop((lock, declaration));
            Command::new(&program).args(["update", "--drive"]).status().map_err(|error| error.at(STEP))?;
            let _lock = lock::take(&host.places.driver_lock(), STEP)?;
            let stop = update::drive::resume(&mut host, moment);
            ending(&host.places, stop)
        }
        stop => ending(&host.places, stop),
    }
}

fn declared(host: &mut SystemHost) -> Result<Option<Declaration>, UpdateError> {
    let text = host.read().map_err(|_| UpdateError::failed(STEP, "the journal cannot be read"))?;
    let update = fold(&text).map_err(|error| not_a_journal(&host.places, &error))?;
    Ok(update.map(|update| update.declaration))
}

/// Which side of an update this program is of, by where it lies.
fn side(places: &Places, declaration: &Declaration) -> Result<Side, UpdateError> {
    let me = std::env::current_exe().map_err(|error| error.at(STEP))?;
    let sides = [Side::Old, Side::New];
    let is_mine = |side: &Side| me == canonical(&program_of(places, declaration, *side));
    sides.into_iter().find(is_mine).ok_or_else(|| {
        let why = format!("{} is of neither release of this update", me.display());
        UpdateError::refused(STEP, why).hint("`sudo banger update --resume` runs the one that it needs.")
    })
}

fn program_of(places: &Places, declaration: &Declaration, side: Side) -> PathBuf {
    places.release(declaration.version(side)).join("banger")
}

/// Tells whoever waits that nothing was changed, and why. There is nobody else to tell where that fails.
fn abandoned(places: &Places, plan: &Plan, error: &UpdateError) {
    let outcome = Outcome {
        at: jiff::Timestamp::now(),
        from: plan.from.clone(),
        to: plan.to.clone(),
        end: End::Abandoned,
        why: Some(error.to_string()),
        warning: None,
        is_refused: error.class == model::Class::Refused,
    };
    record::forget_undeclared(places).ok();
    outcome.write(places).ok();
}

fn ending(places: &Places, stop: Result<Stop, DriveError>) -> Result<Ending, UpdateError> {
    match stop {
        Ok(Stop::Idle) => Ok(Ending::Idle),
        Ok(Stop::Ended(_, State::Stuck { cause, then })) => {
            Err(UpdateError::failed("update", format!("{cause}; then {then}")).hint(way_out(places)))
        }
        Ok(Stop::Ended(..)) => Ok(Ending::Over),
        Ok(Stop::Later | Stop::HandOver(..)) => Ok(Ending::Later),
        Ok(Stop::Unfinished(declaration, why)) => {
            let why = format!("{} runs, and what is left to be done failed: {why}", declaration.to);
            Err(UpdateError::failed("commit", why).hint("`sudo banger update --resume` does the rest."))
        }
        Err(DriveError::NotAJournal { source }) => Err(not_a_journal(places, &source)),
        Err(error) => Err(UpdateError::failed("update", error.to_string()).hint(way_out(places))),
    }
}

fn not_a_journal(places: &Places, error: &update::journal::NotAJournal) -> UpdateError {
    UpdateError::failed(STEP, error.to_string()).hint(format!(
        "Look at {}; `banger system status` says what is installed, and where that is whole the file can go.",
        places.journal().display()
    ))
}

/// What is to be known where neither way led to a whole release.
#[must_use]
pub(crate) fn way_out(places: &Places) -> String {
    let current = std::fs::read_link(places.current()).unwrap_or_default();
    format!(
        "current names {}; the journal is {}. `sudo banger update --resume` tries again; `journalctl -u \
         bangerd -u bangerd-root -u banger-update` says more.",
        current.display(),
        places.journal().display()
    )
}
