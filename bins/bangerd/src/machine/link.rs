//! A machine's link is watched, and started again where its machine runs on without it.

use std::{sync::Arc, time::Duration};

use api::Failure;
use host::process::Process;
use model::{VmId, VmState};
use store::VmRecord;

use super::process::mark;
use crate::app::App;

/// How long after its link a machine has ended, where both end together.
const END_TOGETHER: Duration = Duration::from_secs(1);
/// How soon a link is started again that could not be: a port of its may be somebody else's for a while.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// Watches a link until it ends, and starts another where its machine runs on without it, as often as it takes: no session
/// can begin until then.
pub(super) fn watch(app: &Arc<App>, id: &VmId, link: Arc<Process>) {
    let (app, id) = (Arc::clone(app), id.clone());
    tokio::spawn(async move {
        tokio::select! {
            _ended = link.ended() => {}
            () = app.leaving.cancelled() => return,
        }
        let seen = mark(&link, &app.host_boot);
        let mut pause = END_TOGETHER;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = app.leaving.cancelled() => return,
            }
            let vm = app.owner.get(&id).filter(|vm| {
                vm.state == VmState::Running && vm.link_process.as_ref() == Some(&seen) && !app.busy.has(&id)
            });
            let Some(vm) = vm else { return };
            match relink(&app, &vm).await {
                Ok(_) => return,
                Err(error) => tracing::error!(vm = %vm.name, "it runs without a link: {error}"),
            }
            pause = TRY_EVERY;
        }
    });
}

/// Starts the link of a machine again that runs without one, with the ports that it had.
///
/// # Errors
///
/// It cannot be started.
pub(super) async fn relink(app: &Arc<App>, vm: &VmRecord) -> Result<Arc<VmRecord>, Failure> {
    tracing::warn!(vm = %vm.name, "its link is gone, and is started again");
    let publish = if vm.published.is_empty() { &vm.spec.publish } else { &vm.published };
    let link = app.hands.relink(vm, publish).await?;
    let link_mark = mark(&link, &app.host_boot);
    watch(app, &vm.id, link);
    let published = vmm::link::published(&app.link_dir(&vm.id)).unwrap_or_default();
    app.owner
        .change(&vm.id, move |record| {
            record.link_process = Some(link_mark);
            if record.state == VmState::Running {
                record.published = published;
            }
            Ok(())
        })
        .await
}
