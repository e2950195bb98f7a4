//! What somebody who waits for a driver sees.

use std::{fs, time::Duration};

use update::{
    journal::{Update, fold},
    state::State,
};

use crate::{
    driver::Watcher,
    error::{Told as _, UpdateError},
    places::Places,
    record::{self, Outcome},
};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(100);

/// How many questions in all whoever watches the driver may leave unanswered.
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
    driver: &mut Watcher,
    places: &Places,
    before: usize,
    mut tell: impl FnMut(News),
) -> Result<Outcome, UpdateError> {
    let mut told = None;
    let mut unanswered = 0;
    loop {
        // A bus that is being restarted says nothing for a moment; the driver does not need it to go on.
        let runs = match driver.is_running().await {
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

fn read(places: &Places) -> Option<Update> {
    fold(&record::read(&places.journal()).ok()?).ok()?
}

/// What a driver said that could not even write down how it ended, as on a full disk. A unit's words are in the journal.
fn last_words(places: &Places) -> Option<String> {
    let log = fs::read_to_string(places.log()).ok().filter(|_| !places.is_system())?;
    let said = log.lines().find_map(|line| line.strip_prefix("banger: "));
    said.map(ToOwned::to_owned)
}

fn not_over(places: &Places, update: Option<Update>) -> UpdateError {
    let why = match update.map(|update| update.state) {
        Some(State::Stuck { cause, then }) => format!("{cause}; going back failed as well: {then}"),
        Some(State::Committing) => "the new release runs, and what is left to be done failed".to_owned(),
        Some(_) => "the updater ended before it was done".to_owned(),
        None => last_words(places).unwrap_or_else(|| "the updater ended without a word".to_owned()),
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
