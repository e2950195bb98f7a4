//! What the owner is asked.

use std::sync::Arc;

use api::{Code, Failure};
use model::VmId;
use store::VmRecord;
use tokio::sync::{mpsc, oneshot, watch};
use vm::life;

use super::Snapshot;
use crate::failure::failure;

/// The counter of boots that were tried again.
pub(crate) const BOOTS_RETRIED: &str = "boots_retried";

pub(super) type Reply<T> = oneshot::Sender<Result<T, Failure>>;
pub(super) type Change = Box<dyn FnOnce(&mut VmRecord) -> Result<(), Failure> + Send>;

/// What the owner is asked. Each is written before it is answered.
pub(super) enum Ask {
    Insert(Box<VmRecord>, Reply<Arc<VmRecord>>),
    Change(VmId, Change, Reply<Arc<VmRecord>>),
    Remove(VmId, Reply<()>),
    Bump(&'static str, Reply<()>),
    Counter(&'static str, Reply<u64>),
}

/// How others reach the owner.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(super) asks: mpsc::Sender<Ask>,
    pub(super) snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Owner {
    /// The records as they are.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// The record of one machine as it is.
    pub(crate) fn get(&self, id: &VmId) -> Option<Arc<VmRecord>> {
        self.snapshot().by_id(id).cloned()
    }

    /// Puts a record in.
    ///
    /// # Errors
    ///
    /// [`Code::AlreadyExists`] where the name is taken; what the store failed with. Nothing was changed.
    pub(crate) async fn insert(&self, record: VmRecord) -> Result<Arc<VmRecord>, Failure> {
        self.ask(|reply| Ask::Insert(Box::new(record), reply)).await
    }

    /// Changes a record.
    ///
    /// # Errors
    ///
    /// What `change` fails with; [`Code::NotFound`] where there is no such record; what the store failed
    /// with. Nothing was changed.
    pub(crate) async fn change(
        &self,
        id: &VmId,
        change: impl FnOnce(&mut VmRecord) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Arc<VmRecord>, Failure> {
        self.ask(|reply| Ask::Change(id.clone(), Box::new(change), reply)).await
    }

    /// Takes a record out. Taking out what is not there is no error.
    ///
    /// # Errors
    ///
    /// What the store failed with; nothing was changed.
    pub(crate) async fn remove(&self, id: &VmId) -> Result<(), Failure> {
        self.ask(|reply| Ask::Remove(id.clone(), reply)).await
    }

    /// Counts `name` once more.
    ///
    /// # Errors
    ///
    /// What the store failed with; it was not counted.
    pub(crate) async fn bump(&self, name: &'static str) -> Result<(), Failure> {
        self.ask(|reply| Ask::Bump(name, reply)).await
    }

    /// Returns how often `name` was counted.
    ///
    /// # Errors
    ///
    /// What the store failed with.
    pub(crate) async fn counter(&self, name: &'static str) -> Result<u64, Failure> {
        self.ask(|reply| Ask::Counter(name, reply)).await
    }

    async fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Failure> {
        let gone = || failure(Code::Unavailable, "reach the records: the daemon is ending");
        let (reply, answer) = oneshot::channel();
        self.asks.send(make(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// Leads a record on by an event.
///
/// # Errors
///
/// [`Code::Internal`] where its state does not allow the event.
pub(crate) fn advance(record: &mut VmRecord, event: life::Event) -> Result<(), Failure> {
    let illegal = |why: String| failure(Code::Internal, format!("change {}: {why}", record.name));
    match life::apply(Some(record.state), event) {
        Ok(Some(state)) => {
            record.state = state;
            Ok(())
        }
        Ok(None) => Err(illegal("only its removal leaves no machine".to_owned())),
        Err(error) => Err(illegal(error.to_string())),
    }
}
