//! How long, and how often, one call is made again.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::ClientError;
use crate::{Code, Failure};

/// How long a daemon that says "ask again" is asked again: an update with its trial, and the way back.
const BUSY_LIMIT: Duration = Duration::from_mins(2);
/// The waits between two such tries, whatever the daemon says.
const BUSY_WAIT_MIN: Duration = Duration::from_millis(100);
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);
/// After how long somebody is told.
const TOLD_AFTER: Duration = Duration::from_secs(2);
/// How often a call is made again that a daemon took and did not reply to.
const LOST_TRIES_MAX: u32 = 3;
/// How long such a daemon is waited for that listens no more.
const RESTART_LIMIT: Duration = Duration::from_secs(5);
const RESTART_WAIT: Duration = Duration::from_millis(50);

/// Whom to tell that a call waits.
#[derive(Clone)]
pub(super) struct Waiting {
    tell: Arc<dyn Fn(&Failure) + Send + Sync>,
}

impl Waiting {
    pub(super) fn new(tell: impl Fn(&Failure) + Send + Sync + 'static) -> Self {
        Self { tell: Arc::new(tell) }
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting")
    }
}

/// Whether a daemon that does not listen will.
#[derive(Clone)]
pub(super) struct Expected {
    is_coming: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl Expected {
    pub(super) fn new(is_coming: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_coming: Arc::new(is_coming) }
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expected")
    }
}

/// What one call has been through.
#[derive(Debug)]
pub(super) struct Patience {
    began: Instant,
    is_told: bool,
    lost: u32,
    lost_at: Option<Instant>,
}

impl Patience {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), is_told: false, lost: 0, lost_at: None }
    }

    /// After a refusal: how long to wait before asking again.
    ///
    /// # Errors
    ///
    /// The refusal, where it is not "ask again"; [`ClientError::Busy`] after 2 minutes of them.
    pub(super) fn told_to_wait(
        &mut self,
        wait: Option<Duration>,
        refusal: ClientError,
        waiting: Option<&Waiting>,
    ) -> Result<Duration, ClientError> {
        let Some(wait) = wait else { return Err(refusal) };
        self.lost_at = None;
        let waited = self.began.elapsed();
        if waited >= BUSY_LIMIT {
            let why = refusal.to_string();
            return Err(ClientError::Busy { waited_secs: BUSY_LIMIT.as_secs(), why });
        }
        if let ClientError::Refused { failure } = &refusal {
            self.tell(failure, waiting);
        }
        Ok(wait.clamp(BUSY_WAIT_MIN, BUSY_WAIT_MAX))
    }

    /// After an error: how long to wait before asking again. A daemon that took the call and went away may come
    /// back, and so does one that is expected; one that was not there at all is for the caller to start.
    ///
    /// # Errors
    ///
    /// The error, where asking again is of no use.
    pub(super) fn lost(
        &mut self,
        error: ClientError,
        expected: Option<&Expected>,
        waiting: Option<&Waiting>,
    ) -> Result<Duration, ClientError> {
        let is_coming = || expected.is_some_and(|expected| (expected.is_coming)());
        match error {
            ClientError::Unreachable { .. } if self.began.elapsed() < BUSY_LIMIT && is_coming() => {
                let message = format!("{error}, and one is on its way");
                self.tell(&Failure { code: Code::Unavailable, message, hint: None, op: None }, waiting);
                Ok(RESTART_WAIT)
            }
            ClientError::Lost { .. } if self.lost < LOST_TRIES_MAX => {
                self.lost += 1;
                self.lost_at = Some(Instant::now());
                Ok(RESTART_WAIT)
            }
            ClientError::Unreachable { .. }
                if self.lost_at.is_some_and(|at| at.elapsed() < RESTART_LIMIT) =>
            {
                Ok(RESTART_WAIT)
            }
            error => Err(error),
        }
    }

    fn tell(&mut self, why: &Failure, waiting: Option<&Waiting>) {
        if let Some(Waiting { tell }) = waiting
            && self.began.elapsed() >= TOLD_AFTER
            && !self.is_told
        {
            self.is_told = true;
            tell(why);
        }
    }
}
