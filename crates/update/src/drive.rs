//! The loop: does, records, applies, in that order.

use crate::{
    declaration::{Declaration, Side},
    event::{Cause, Event, Step},
    journal::{Entry, NotAJournal, Update, fold},
    port::{Installed, Journal, Moment, Trial, Trouble},
    state::{Action, Illegal, State, apply, next},
};

/// More events than any update has between two interruptions.
const EVENTS_MAX: usize = 32;

/// Where a driver stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// There is no update.
    Idle,
    /// The update is over: committed, rolled back, or stuck.
    Ended(Box<Declaration>, State),
    /// The other release's driver has the turn.
    HandOver(Box<Declaration>, Side),
    /// What is left to be done wants services.
    Later,
    /// The new release is kept, but what is left to be done failed; it can be tried again.
    Unfinished(Box<Declaration>, String),
}

/// Why a driver did not go on. The journal is as it was, and another attempt is safe.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal cannot be read or written.
    #[error("the journal: {why}")]
    Journal {
        /// What the disk said.
        why: String,
    },
    /// What lies there is no journal.
    #[error(transparent)]
    NotAJournal {
        /// What is wrong with it.
        #[from]
        source: NotAJournal,
    },
    /// This driver did what it should not.
    #[error("the updater lost track")]
    LostTrack {
        /// Of what.
        #[from]
        source: Illegal,
    },
    /// This driver is being ended.
    #[error("the updater is being ended")]
    Ending,
}

/// Says which release's driver may do an action; `None` is either.
///
/// What commits is decided already, and whoever finds it does it.
fn driver_of(action: Action) -> Option<Side> {
    match action {
        Action::Switch | Action::Revert | Action::Restore | Action::Return => Some(Side::Old),
        Action::Restart | Action::Try => Some(Side::New),
        Action::Finish => None,
    }
}

/// Carries on as the driver of release `me`, up to an end or to the other's turn. Records no interruption.
///
/// # Errors
///
/// [`DriveError`].
pub fn drive(
    host: &mut (impl Journal + Installed + Trial),
    me: Side,
    moment: Moment,
) -> Result<Stop, DriveError> {
    let Some(update) = load(host)? else {
        return Ok(Stop::Idle);
    };
    go_on(host, update, me, moment)
}

/// Takes up an update whose driver is gone, as the old release's driver: records what interrupted it, then carries
/// on as [`drive`] does.
///
/// # Errors
///
/// [`DriveError`].
pub fn resume(host: &mut (impl Journal + Installed + Trial), moment: Moment) -> Result<Stop, DriveError> {
    let Some(mut update) = load(host)? else {
        return Ok(Stop::Idle);
    };
    let is_end = matches!(update.state, State::Committed | State::RolledBack { .. });
    if !is_end {
        let event = if update.boot == host.boot() { Event::Interrupted } else { Event::Rebooted };
        update.state = record(host, update.state, event)?;
    }
    go_on(host, update, Side::Old, moment)
}

fn load(host: &mut impl Journal) -> Result<Option<Update>, DriveError> {
    let text = host.read().map_err(of_journal)?;
    Ok(fold(&text)?)
}

fn go_on(
    host: &mut (impl Journal + Installed + Trial),
    update: Update,
    me: Side,
    moment: Moment,
) -> Result<Stop, DriveError> {
    let Update { declaration, mut state, .. } = update;
    for _ in 0..EVENTS_MAX {
        let Some(action) = next(&state) else {
            return end(host, declaration, state);
        };
        if let Some(turn) = driver_of(action).filter(|turn| *turn != me) {
            return Ok(match moment {
                Moment::Up => Stop::HandOver(Box::new(declaration), turn),
                Moment::BeforeServices => Stop::Later,
            });
        }
        if moment == Moment::BeforeServices && matches!(action, Action::Return | Action::Finish) {
            return Ok(Stop::Later);
        }
        let event = match perform(host, &declaration, action, moment) {
            Ok(event) => event,
            Err(Trouble::Ending) => return Err(DriveError::Ending),
            Err(Trouble::Failed(why)) if action == Action::Finish => {
                return Ok(Stop::Unfinished(Box::new(declaration), why));
            }
            Err(Trouble::Failed(why)) => Event::Failed(Cause { step: step_of(action), why }),
        };
        state = record(host, state, event)?;
    }
    Ok(Stop::Later)
}

/// Closes the journal of an update that is over. One that is stuck keeps it.
fn end(
    host: &mut (impl Journal + Installed),
    declaration: Declaration,
    state: State,
) -> Result<Stop, DriveError> {
    if !matches!(state, State::Stuck { .. }) {
        host.close(&declaration, &state).map_err(of_journal)?;
    }
    Ok(Stop::Ended(Box::new(declaration), state))
}

/// Makes an event durable, then lets it count.
fn record(host: &mut impl Journal, state: State, event: Event) -> Result<State, DriveError> {
    let to = apply(state, event.clone())?;
    host.append(&Entry::Event(event)).map_err(of_journal)?;
    Ok(to)
}

fn perform(
    host: &mut (impl Installed + Trial),
    declaration: &Declaration,
    action: Action,
    moment: Moment,
) -> Result<Event, Trouble> {
    match action {
        Action::Switch => host.switch(declaration).map(|()| Event::Switched),
        Action::Restart => host.restart(declaration, Side::New).map(|()| Event::Restarted),
        Action::Try => host.watch(declaration).map(|()| Event::Passed),
        Action::Finish => host.settle(declaration, Side::New).map(|()| Event::Finished),
        Action::Revert => host.revert(declaration, moment).map(|()| Event::Reverted),
        Action::Restore => host.restore(declaration, moment).map(|()| Event::Restored),
        Action::Return => {
            host.restart(declaration, Side::Old)?;
            host.settle(declaration, Side::Old).map(|()| Event::Returned)
        }
    }
}

fn step_of(action: Action) -> Step {
    match action {
        Action::Switch => Step::Switch,
        Action::Restart => Step::Restart,
        Action::Try | Action::Finish => Step::Trial,
        Action::Revert => Step::Revert,
        Action::Restore => Step::Restore,
        Action::Return => Step::Return,
    }
}

fn of_journal(trouble: Trouble) -> DriveError {
    match trouble {
        Trouble::Failed(why) => DriveError::Journal { why },
        Trouble::Ending => DriveError::Ending,
    }
}
