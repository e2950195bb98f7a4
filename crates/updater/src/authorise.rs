//! Authorise: whether this host may be updated now.

use std::{
    fs,
    time::{Duration, Instant},
};

use api::{
    OperationSummary,
    client::{Client, ClientError},
};
use model::Version;

use crate::{
    error::{Told as _, UpdateError},
    places::Places,
};

const STEP: &str = "authorise";
/// How often the daemon is asked again while operations are waited for.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// What a user asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leave {
    /// Go on though operations are in flight, or though the release went back before.
    pub force: bool,
    /// How long to wait for operations.
    pub wait: Option<Duration>,
}

/// Says whether the daemon answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// It did.
    Answers,
    /// It did not; it is the thing to repair.
    Silent,
}

/// Refuses a release that was tried here and went back.
///
/// # Errors
///
/// Refused, unless forced.
pub fn refuse_known_bad(places: &Places, to: &Version, leave: Leave) -> Result<(), UpdateError> {
    let known = fs::read_to_string(places.bad()).unwrap_or_default();
    let is_bad = known.lines().any(|line| line.split_whitespace().next() == Some(&to.to_string()));
    if is_bad && !leave.force {
        return Err(UpdateError::refused(STEP, format!("{to} was tried here and went back"))
            .hint(format!("`{}` tries it again.", places.typed(&format!("update --to {to} --force")))));
    }
    Ok(())
}

/// Asks the daemon what is in flight, and refuses while something is.
///
/// # Errors
///
/// Refused, with the list of operations.
pub async fn refuse_in_flight(client: &Client, leave: Leave) -> Result<Daemon, UpdateError> {
    let until = Instant::now() + leave.wait.unwrap_or_default();
    loop {
        let in_flight = match client.operations().await {
            Ok(operations) => operations.into_iter().filter(|it| !it.done).collect::<Vec<_>>(),
            Err(ClientError::Refused { failure }) => {
                return Err(UpdateError { hint: failure.hint, ..UpdateError::failed(STEP, failure.message) });
            }
            // It cannot be asked: an update may be what mends it.
            Err(_) => return Ok(Daemon::Silent),
        };
        if in_flight.is_empty() || leave.force {
            return Ok(Daemon::Answers);
        }
        if Instant::now() >= until {
            return Err(busy(&in_flight));
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
}

/// The refusal that lists what is in flight.
#[must_use]
pub fn busy(in_flight: &[OperationSummary]) -> UpdateError {
    UpdateError::refused(STEP, format!("operations are in flight: {}", list(in_flight))).hint(
        "Wait until they are done, or let it wait: `--wait 5m`. `--force` cancels what is not done after 5 s.",
    )
}

/// What is in flight, in words.
#[must_use]
pub fn list(in_flight: &[OperationSummary]) -> String {
    let one = |it: &OperationSummary| {
        let kind = serde_json::to_value(it.kind).ok();
        let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or("operation").replace('_', " ");
        format!("{kind} {} ({})", it.target, it.op)
    };
    in_flight.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Refuses where an update that was declared is not over.
///
/// # Errors
///
/// Refused, with what ends it.
pub fn refuse_unfinished(places: &Places) -> Result<(), UpdateError> {
    if fs::exists(places.journal()).map_err(|error| error.at(STEP))? {
        return Err(UpdateError::refused(STEP, "an update that was begun is not over")
            .hint(format!("`{}` ends it.", places.typed("update --resume"))));
    }
    Ok(())
}
