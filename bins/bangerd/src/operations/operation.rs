//! One operation.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use api::{Code, Event, EventRecord, Failure, OperationKind, OperationSummary, Outcome};
use jiff::Timestamp;
use model::OpId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::log::Log;

/// One operation: its work tells what happens, its readers follow, anybody may cancel it.
#[derive(Debug)]
pub(crate) struct Operation {
    id: OpId,
    kind: OperationKind,
    target: String,
    began_at: Timestamp,
    began: Instant,
    log: Mutex<Log>,
    news: watch::Sender<u64>,
    cancel: CancellationToken,
}

impl Operation {
    pub(super) fn new(id: OpId, kind: OperationKind, target: String, began_at: Timestamp) -> Self {
        Self {
            id,
            kind,
            target,
            began_at,
            began: Instant::now(),
            log: Mutex::default(),
            news: watch::Sender::new(0),
            cancel: CancellationToken::new(),
        }
    }

    /// Its id.
    pub(crate) fn id(&self) -> &OpId {
        &self.id
    }

    /// What it does.
    pub(crate) fn kind(&self) -> OperationKind {
        self.kind
    }

    /// Tells an event.
    pub(crate) fn tell(&self, event: Event) {
        let at_millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let seq = self.log.lock().unwrap_or_else(PoisonError::into_inner).push(at_millis, event);
        self.news.send_replace(seq);
    }

    /// Tells that a stage begins.
    pub(crate) fn stage(&self, name: impl Into<String>) {
        let name = name.into();
        tracing::info!(stage = name, "a stage begins");
        self.tell(Event::Stage { name });
    }

    /// Tells something the user should know.
    pub(crate) fn warn(&self, message: impl Into<String>) {
        let message = message.into();
        tracing::warn!("{message}");
        self.tell(Event::Warning { message });
    }

    /// Tells how it ended.
    pub(super) fn end(&self, result: Result<Outcome, Failure>) {
        match result {
            Ok(outcome) => self.tell(Event::Done { outcome }),
            Err(failure) => {
                let failure = Failure { op: Some(self.id.clone()), ..failure };
                self.tell(Event::Failed { failure });
            }
        }
    }

    /// Asks it to end early and clean up. Asking twice is asking once.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Returns what its work looks at to know that it was cancelled.
    pub(crate) fn cancellation(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Fails where it was cancelled.
    ///
    /// # Errors
    ///
    /// [`Code::Cancelled`].
    pub(crate) fn check_cancelled(&self) -> Result<(), Failure> {
        if self.cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) }
    }

    /// Waits for `work`, and drops it where the operation is cancelled first.
    ///
    /// # Errors
    ///
    /// What `work` fails with, or [`Code::Cancelled`].
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(cancelled()),
            result = work => result,
        }
    }

    /// Whether it has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).is_done()
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) {
        let mut news = self.news.subscribe();
        while !self.is_done() {
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Returns the events after the place `after`, as soon as there are some; none once there will be none.
    pub(crate) async fn events_after(&self, after: u64) -> Vec<EventRecord> {
        let mut news = self.news.subscribe();
        loop {
            let (events, is_done) = {
                let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
                (log.after(after), log.is_done())
            };
            if !events.is_empty() || is_done || news.changed().await.is_err() {
                return events;
            }
        }
    }

    /// Returns it as a list shows it.
    pub(crate) fn summary(&self) -> OperationSummary {
        let (stage, done) = {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            (log.stage(), log.is_done())
        };
        OperationSummary {
            op: self.id.clone(),
            kind: self.kind,
            target: self.target.clone(),
            began_at: self.began_at,
            stage,
            done,
        }
    }
}

fn cancelled() -> Failure {
    Failure { code: Code::Cancelled, message: "it was cancelled".to_owned(), hint: None, op: None }
}
