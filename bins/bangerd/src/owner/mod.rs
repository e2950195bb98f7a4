//! The one task that owns the machines' records. Others send it requests and watch its snapshots.

mod ask;
mod snapshot;
mod task;

pub(crate) use ask::{BOOTS_RETRIED, Owner, advance};
pub(crate) use snapshot::Snapshot;
pub(crate) use task::start;
