//! Every operation: those in flight, and the last that ended.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api::{Code, Failure, OperationKind, OperationSummary, Outcome};
use futures::FutureExt;
use jiff::Timestamp;
use model::OpId;
use tracing::Instrument;

use super::{Operation, current::on_behalf_of};
use crate::failure::{Explained, failure};

/// Operations that have ended and are kept for late readers.
const ENDED_MAX: usize = 64;

/// Operations in flight at once. More are refused for the moment.
const IN_FLIGHT_MAX: usize = 256;

/// Every operation: those in flight, and the last that ended, in the order they began.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    all: Vec<Arc<Operation>>,
    is_closed: bool,
}

impl Operations {
    /// Begins an operation. Its work goes on whatever becomes of the client that asked for it, and tells its
    /// end also where it panics.
    ///
    /// # Errors
    ///
    /// [`Code::Unavailable`] where the daemon ends or has too much to do; `work` was not begun.
    pub(crate) fn begin<W>(
        self: &Arc<Self>,
        kind: OperationKind,
        target: &str,
        work: impl FnOnce(Arc<Operation>) -> W,
    ) -> Result<Arc<Operation>, Failure>
    where
        W: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let operation = self.add(kind, target)?;
        let span = tracing::info_span!("operation", op = %operation.id());
        let work = span.in_scope(|| work(Arc::clone(&operation)));
        let registry = Arc::clone(self);
        let running = Arc::clone(&operation);
        let task = async move {
            tracing::info!(kind = ?running.kind(), target = running.summary().target, "it begins");
            let result = std::panic::AssertUnwindSafe(work).catch_unwind().await;
            let result = result.unwrap_or_else(|_| {
                Err(failure(Code::Internal, "do the work of the operation: it panicked"))
            });
            match &result {
                Ok(_) => tracing::info!("it is done"),
                Err(error) => tracing::error!(code = ?error.code, "it failed: {error}"),
            }
            running.end(result);
            registry.forget_old();
        };
        tokio::spawn(on_behalf_of(operation.id().clone(), task.instrument(span)));
        Ok(operation)
    }

    fn add(&self, kind: OperationKind, target: &str) -> Result<Arc<Operation>, Failure> {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes)
            .map_err(|error| failure(Code::Internal, format!("make up an operation's id: {error}")))?;
        let id = OpId::from_random(bytes);
        let operation = Arc::new(Operation::new(id, kind, target.to_owned(), Timestamp::now()));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.is_closed {
            return Err(failure(Code::Unavailable, "begin an operation: the daemon is ending"));
        }
        if inner.all.iter().filter(|operation| !operation.is_done()).count() >= IN_FLIGHT_MAX {
            let why = format!("begin an operation: {IN_FLIGHT_MAX} are in flight already");
            return Err(failure(Code::Unavailable, why));
        }
        inner.all.push(Arc::clone(&operation));
        Ok(operation)
    }

    fn forget_old(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = inner.all.iter().filter(|operation| operation.is_done()).count();
        let mut too_many = ended.saturating_sub(ENDED_MAX);
        inner.all.retain(|operation| {
            let goes = too_many > 0 && operation.is_done();
            too_many -= usize::from(goes);
            !goes
        });
    }

    /// Finds one by its id.
    ///
    /// # Errors
    ///
    /// [`Code::NotFound`].
    pub(crate) fn get(&self, id: &OpId) -> Result<Arc<Operation>, Failure> {
        let found = self.all().into_iter().find(|operation| operation.id() == id);
        found.ok_or_else(|| {
            failure(Code::NotFound, format!("look up {id}: there is no such operation, or it ended long ago"))
                .hinted("`curl --unix-socket … http://banger/v1/operations` lists those that are kept.")
        })
    }

    fn all(&self) -> Vec<Arc<Operation>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).all.clone()
    }

    /// Returns all that are kept, in the order they began.
    pub(crate) fn list(&self) -> Vec<OperationSummary> {
        self.all().iter().map(|operation| operation.summary()).collect()
    }

    /// Takes no more in, cancels those in flight, and waits up to `limit` until they have cleaned up.
    /// Returns how many had not.
    pub(crate) async fn close(&self, limit: Duration) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).is_closed = true;
        let open: Vec<_> = self.all().into_iter().filter(|operation| !operation.is_done()).collect();
        for operation in &open {
            operation.cancel();
        }
        let ended = futures::future::join_all(open.iter().map(|operation| operation.ended()));
        let _in_time = tokio::time::timeout(limit, ended).await.is_ok();
        open.iter().filter(|operation| !operation.is_done()).count()
    }
}

#[cfg(test)]
mod tests {
    use api::Event;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn last_event(operation: &Operation) -> Event {
        tokio::time::timeout(LIMIT, operation.ended()).await.unwrap();
        operation.events_after(0).await.pop().unwrap().event
    }

    #[tokio::test]
    async fn events_are_told_in_order_and_the_stream_ends_after_the_last() {
        let operations = Arc::new(Operations::default());
        let work = |operation: Arc<Operation>| async move {
            operation.stage("one");
            tokio::task::yield_now().await;
            operation.stage("two");
            Ok(Outcome::Gone)
        };
        let operation = operations.begin(OperationKind::VmDelete, "box", work).unwrap();
        let (mut after, mut seen) = (0, vec![]);
        loop {
            let events = operation.events_after(after).await;
            let Some(last) = events.last() else { break };
            after = last.seq;
            seen.extend(events.into_iter().map(|record| record.seq));
        }
        assert_eq!(seen, [1, 2, 3]);
        assert!(operation.events_after(3).await.is_empty());
    }

    #[tokio::test]
    async fn a_failure_carries_the_operations_id_also_after_a_panic() {
        let operations = Arc::new(Operations::default());
        let failing = |_| async { Err(failure(Code::NoRoom, "make disks: no room")) };
        let panicking = |_| async { panic!("it is a test") };
        let first = operations.begin(OperationKind::VmCreate, "box", failing).unwrap();
        let second = operations.begin(OperationKind::VmCreate, "box", panicking).unwrap();
        for (operation, code) in [(first, Code::NoRoom), (second, Code::Internal)] {
            match last_event(&operation).await {
                Event::Failed { failure } => {
                    assert_eq!((failure.code, failure.op.as_ref()), (code, Some(operation.id())));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn the_last_that_ended_are_kept_and_those_in_flight() {
        let operations = Arc::new(Operations::default());
        let endless = |operation: Arc<Operation>| async move {
            operation.unless_cancelled(std::future::pending()).await
        };
        let waiting = operations.begin(OperationKind::ImageBuild, "slow", endless).unwrap();
        for number in 0..ENDED_MAX + 10 {
            let work = |_| async { Ok(Outcome::Gone) };
            let quick = operations.begin(OperationKind::VmDelete, &number.to_string(), work).unwrap();
            quick.ended().await;
            tokio::task::yield_now().await;
        }
        let list = operations.list();
        assert_eq!(list.len(), ENDED_MAX + 1);
        assert_eq!((list[0].target.as_str(), list[0].done), ("slow", false));
        assert_eq!(list[1].target, "10");
        waiting.cancel();
        assert!(
            matches!(last_event(&waiting).await, Event::Failed { failure } if failure.code == Code::Cancelled)
        );
    }

    #[tokio::test]
    async fn closing_cancels_waits_and_takes_no_more_in() {
        let operations = Arc::new(Operations::default());
        let tidy = |operation: Arc<Operation>| async move {
            operation.cancellation().cancelled().await;
            tokio::task::yield_now().await;
            operation.stage("clean up");
            Err(failure(Code::Cancelled, "it was cancelled"))
        };
        let stubborn = |_| std::future::pending();
        let tidy = operations.begin(OperationKind::ImageBuild, "a", tidy).unwrap();
        operations.begin(OperationKind::ImageBuild, "b", stubborn).unwrap();
        assert_eq!(operations.close(Duration::from_millis(50)).await, 1);
        assert!(tidy.is_done());
        let refused = operations.begin(OperationKind::VmStop, "c", |_| async { Ok(Outcome::Gone) });
        assert_eq!(refused.unwrap_err().code, Code::Unavailable);
    }
}
