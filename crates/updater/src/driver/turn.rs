//! Whose turn it is.

use std::{fs::File, os::unix::process::CommandExt as _, path::PathBuf, process::Command};

use tokio::runtime::Handle;
use update::{
    declaration::{Declaration, Side},
    drive::{DriveError, Stop},
    journal::{Update, fold},
    port::{Journal as _, Moment},
    state::State,
};

use super::{declare::declare, host::DrivenHost, unit::RUN_LIMIT};
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
/// driver has the turn, this process becomes that one; or, where nobody else would see it end, stays and watches it.
///
/// Where nothing was declared, whoever waits is told why.
///
/// # Errors
///
/// It went no further, in words for whoever reads the driver's own log.
pub fn drive(runtime: Handle) -> Result<Ending, UpdateError> {
    let begun = begin(runtime);
    if let Err(error) = &begun
        && let Ok(places) = Places::find("declare")
        && !is_declared(&places)
    {
        abandoned(&places, error);
    }
    let Some((mut host, lock, me)) = begun? else {
        return Ok(Ending::Idle);
    };
    hold_until_decided(&mut host)?;
    match update::drive::drive(&mut host, me, Moment::Up) {
        Ok(Stop::HandOver(declaration, turn)) if me == Side::Old && !host.places.is_system() => {
            watch(host, &lock, &declaration, turn)
        }
        Ok(Stop::HandOver(declaration, turn)) => {
            Err(become_driver(host, &lock, &declaration, turn, &["--drive"]))
        }
        stop => ending(&host.places, stop),
    }
}

/// Takes the turn, and declares what was prepared unless something is declared already. `None` where there is nothing to be
/// driven.
fn begin(runtime: Handle) -> Result<Option<(DrivenHost, File, Side)>, UpdateError> {
    const STEP: &str = "declare";
    let mut host = DrivenHost::connect(runtime, STEP)?;
    let lock = lock::take_over(&host.places.driver_lock(), STEP)?;
    let me = if let Some(declaration) = declared(&mut host)? {
        side(&host.places, &declaration)?
    } else {
        // What lies there without a whole line was never declared; whoever left it told so.
        if std::fs::exists(host.places.journal()).map_err(|error| error.at(STEP))? {
            record::forget_undeclared(&host.places).map_err(|error| error.at(STEP))?;
            return Ok(None);
        }
        let plan = Plan::read(&host.places)?;
        declare(&mut host, &plan)?;
        Side::Old
    };
    Ok(Some((host, lock, me)))
}

/// Takes up an update whose driver is gone. As the release that goes back: where this program is the other one, it
/// becomes that.
///
/// # Errors
///
/// It went no further; doing it again is safe.
pub fn resume(runtime: Handle, moment: Moment) -> Result<Ending, UpdateError> {
    let mut host = DrivenHost::connect(runtime, STEP)?;
    let lock = lock::take_over(&host.places.driver_lock(), STEP)?;
    let Some(declaration) = declared(&mut host)? else {
        record::forget_undeclared(&host.places).map_err(|error| error.at(STEP))?;
        return Ok(Ending::Idle);
    };
    if side(&host.places, &declaration).ok() != Some(Side::Old) {
        let program = program_of(&host.places, &declaration, Side::Old);
        if std::env::current_exe().ok() == std::fs::canonicalize(&program).ok() {
            return Err(UpdateError::failed(STEP, format!("{} does not know itself", program.display())));
        }
        let before = (moment == Moment::BeforeServices).then_some("--before-services");
        let args: Vec<&str> = ["--resume"].into_iter().chain(before).collect();
        return Err(become_driver(host, &lock, &declaration, Side::Old, &args));
    }
    if moment == Moment::Up {
        hold_until_decided(&mut host)?;
    }
    match update::drive::resume(&mut host, moment) {
        Ok(Stop::Later) => {
            if may_go_back(&mut host)? {
                // What a boot starts next is on trial.
                host.mark_trial().map_err(|error| error.at(STEP))?;
            }
            Ok(Ending::Later)
        }
        Ok(Stop::HandOver(declaration, turn)) => watch(host, &lock, &declaration, turn),
        stop => ending(&host.places, stop),
    }
}

/// Says whether an update was declared that nobody carries on.
#[must_use]
pub fn is_interrupted(places: &Places) -> bool {
    places.journal().exists() && !lock::is_held(&places.driver_lock()).unwrap_or(true)
}

/// Becomes another release's driver, which takes over the lock. Returns only where that could not be.
fn become_driver(
    host: DrivenHost,
    lock: &File,
    declaration: &Declaration,
    turn: Side,
    args: &[&str],
) -> UpdateError {
    let program = program_of(&host.places, declaration, turn);
    drop(host);
    let error = match lock::handed_on(lock) {
        Ok(lock) => Command::new(&program).arg("update").args(args).stdin(lock).exec(),
        Err(error) => error,
    };
    let why = format!("execute {}: {}", program.display(), error.at("restart").why);
    UpdateError::failed("restart", why)
}

/// Runs the other release's driver, and stays as the one that goes back should that end too early. The lock is both's
/// meanwhile, and whoever is left has it.
fn watch(
    mut host: DrivenHost,
    lock: &File,
    declaration: &Declaration,
    turn: Side,
) -> Result<Ending, UpdateError> {
    // The other one holds changes, and has services in hand.
    host.lease = None;
    let program = program_of(&host.places, declaration, turn);
    let run = |lock| Command::new(&program).args(["update", "--drive"]).stdin(lock).spawn();
    match lock::handed_on(lock).and_then(run) {
        Ok(mut child) => host.end_within(&mut child, RUN_LIMIT),
        // It says something against that release, and is told as an interruption.
        Err(error) => println!("execute {}: {}", program.display(), error.at(STEP).why),
    }
    hold_until_decided(&mut host)?;
    let stop = update::drive::resume(&mut host, Moment::Up);
    ending(&host.places, stop)
}

fn is_declared(places: &Places) -> bool {
    record::read(&places.journal()).is_ok_and(|text| text.contains('\n'))
}

fn declared(host: &mut DrivenHost) -> Result<Option<Declaration>, UpdateError> {
    Ok(read(host)?.map(|update| update.declaration))
}

fn read(host: &mut DrivenHost) -> Result<Option<Update>, UpdateError> {
    let text = host.read().map_err(|_| UpdateError::failed(STEP, "the journal cannot be read"))?;
    fold(&text).map_err(|error| not_a_journal(&host.places, &error))
}

/// Holds changes where they could be lost. A hold that begins when all is decided might outlast us.
fn hold_until_decided(host: &mut DrivenHost) -> Result<(), UpdateError> {
    if may_go_back(host)? {
        host.hold();
    }
    Ok(())
}

fn may_go_back(host: &mut DrivenHost) -> Result<bool, UpdateError> {
    Ok(read(host)?.is_some_and(|update| !update.state.is_decided()))
}

/// Which side of an update this program is of, by where it lies.
fn side(places: &Places, declaration: &Declaration) -> Result<Side, UpdateError> {
    let me = std::env::current_exe().map_err(|error| error.at(STEP))?;
    let sides = [Side::Old, Side::New];
    let is_mine = |side: &Side| me.parent() == Some(&canonical(&places.release(declaration.version(*side))));
    sides.into_iter().find(is_mine).ok_or_else(|| {
        let why = format!("{} is of neither release of this update", me.display());
        let hint = format!("`{}` runs the one that it needs.", places.typed("update --resume"));
        UpdateError::refused(STEP, why).hint(hint)
    })
}

fn program_of(places: &Places, declaration: &Declaration, side: Side) -> PathBuf {
    places.release(declaration.version(side)).join("banger")
}

/// Tells whoever waits that nothing was changed, and why. There is nobody else to tell where that fails.
fn abandoned(places: &Places, error: &UpdateError) {
    let Some(installed) = Places::version_of(&places.current()) else { return };
    let plan = Plan::read(places).ok();
    let to = plan.map_or_else(|| installed.clone(), |plan| plan.to);
    let outcome = Outcome {
        at: jiff::Timestamp::now(),
        from: installed,
        to,
        end: End::Abandoned,
        why: Some(error.to_string()),
        warning: None,
        is_refused: error.class == model::Class::Refused,
    };
    // Another's may lie there where the lock was not to be had.
    if !lock::is_held(&places.driver_lock()).unwrap_or(true) {
        record::forget_undeclared(places).ok();
    }
    outcome.write(places).ok();
}

fn ending(places: &Places, stop: Result<Stop, DriveError>) -> Result<Ending, UpdateError> {
    match stop {
        Ok(Stop::Idle) => Ok(Ending::Idle),
        Ok(Stop::Ended(_, State::Stuck { cause, then })) => {
            // Where this cannot be written either, clients wait for as long as they wait for anybody.
            places.mark_stuck().ok();
            Err(UpdateError::failed("update", format!("{cause}; then {then}")).hint(way_out(places)))
        }
        Ok(Stop::Ended(..)) => Ok(Ending::Over),
        Ok(Stop::Later | Stop::HandOver(..)) => Ok(Ending::Later),
        Ok(Stop::Unfinished(declaration, why)) => {
            let why = format!("{} runs, and what is left to be done failed: {why}", declaration.to);
            let hint = format!("`{}` does the rest.", places.typed("update --resume"));
            Err(UpdateError::failed("commit", why).hint(hint))
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
        "current names {}; the journal is {}. `{}` tries again; {}.",
        current.display(),
        places.journal().display(),
        places.typed("update --resume"),
        places.says_more(),
    )
}
