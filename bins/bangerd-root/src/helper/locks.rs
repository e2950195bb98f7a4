//! One operation at a time on each machine.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use model::VmId;
use tokio::sync::OwnedMutexGuard;

type Lock = Arc<tokio::sync::Mutex<()>>;

/// Who is at work on which machine.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<BTreeMap<VmId, Lock>>);

impl Locks {
    /// Waits until nobody is at work on a machine.
    pub(super) async fn hold(&self, id: &VmId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Those that nobody holds or waits for are not kept: ids are many.
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(id.clone()).or_default())
        };
        lock.lock_owned().await
    }
}
