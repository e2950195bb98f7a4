//! What somebody who waits for a driver sees.

use std::time::Duration;

use host::systemd::Systemd;
use update::{
    journal::{Update, fold},
    state::State,
};

use crate::{
    driver::UNIT,
    error::{Told as _, UpdateError},
    places::Places,
    record::{self, Outcome},
};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// How many questions in all systemd may leave unanswered.
const UNANSWERED_MAX: u32 = 300;

/// Something that is worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// It is declared: from here on it is carried to an end, whoever goes away.
    Declared,
    /// The new release counts.
    Switched,
    /// Its services run.
    Restarted,
    /// It is kept.
    Passed,
    /// It goes back.
    GoesBack,
}

/// Waits until the driver's update is over, telling `tell` what happens. `before` is how many outcomes the history held
/// when it began.
///
/// # Errors
///
/// It is not over, and nobody carries it on.
pub async fn follow(
    systemd: &Systemd,
    places: &Places,
    before: usize,
    mut tell: impl FnMut(News),
) -> Result<Outcome, UpdateError> {
    let mut told = None;
    let mut unanswered = 0;
    loop {
        // A bus that is being restarted says nothing for a moment; the driver does not need it to go on.
        let runs = match is_running(systemd).await {
            Err(_) if unanswered < UNANSWERED_MAX => {
                unanswered += 1;
                true
            }
            answer => answer?,
        };
        let update = read(places);
        if let Some(update) = &update {
            for news in news_after(told, &update.state) {
                tell(news);
                told = Some(news);
            }
        }
        // Read after the journal, which is gone only when the outcome is there.
        let history = record::history(places).map_err(|error| error.at("update"))?;
        if let Some(outcome) = history.get(before) {
            return Ok(outcome.clone());
        }
        if !runs {
            return Err(not_over(places, update));
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn is_running(systemd: &Systemd) -> Result<bool, UpdateError> {
    let status = systemd.unit(UNIT).await.map_err(|error| error.at("update"))?;
    let is_down = |state: &str| matches!(state, "inactive" | "failed");
    Ok(status.is_some_and(|status| !is_down(&status.active_state)))
}

fn read(places: &Places) -> Option<Update> {
    fold(&record::read(&places.journal()).ok()?).ok()?
}

fn not_over(places: &Places, update: Option<Update>) -> UpdateError {
    let why = match update.map(|update| update.state) {
        Some(State::Stuck { cause, then }) => format!("{cause}; going back failed as well: {then}"),
        Some(State::Committing) => "the new release runs, and what is left to be done failed".to_owned(),
        Some(_) => "the updater ended before it was done".to_owned(),
        None => "the updater ended without a word".to_owned(),
    };
    UpdateError::failed("update", why).hint(crate::driver::way_out(places))
}

/// What is to be told between what was told and a state.
fn news_after(told: Option<News>, state: &State) -> Vec<News> {
    let way: &[News] = match state {
        State::Declared => &[News::Declared],
        State::Switched { .. } => &[News::Declared, News::Switched],
        State::Trial { .. } => &[News::Declared, News::Switched, News::Restarted],
        State::Committing | State::Committed => {
            &[News::Declared, News::Switched, News::Restarted, News::Passed]
        }
        _ => &[News::GoesBack],
    };
    let from = told.and_then(|told| way.iter().position(|news| *news == told)).map_or(0, |at| at + 1);
    if told == Some(News::GoesBack) { vec![] } else { way[from..].to_vec() }
}
