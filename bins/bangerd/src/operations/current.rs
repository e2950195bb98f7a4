//! On whose behalf something is done: the operation whose task runs.

use model::OpId;

tokio::task_local! {
    static CURRENT: OpId;
}

/// Runs `work` on behalf of an operation.
pub(super) async fn on_behalf_of<T>(id: OpId, work: impl Future<Output = T>) -> T {
    CURRENT.scope(id, work).await
}

/// The operation whose task runs; `None` outside of all, as when machines are taken up.
pub(crate) fn current() -> Option<OpId> {
    CURRENT.try_with(Clone::clone).ok()
}
