//! Machines that nobody uses are stopped, where that was asked for (`auto_stop_stale_after`).

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use config::AutoStop;
use futures::future::join_all;
use jiff::Timestamp;
use model::{VmId, VmState};
use store::VmRecord;
use tokio::time::Instant;
use vm::stale::{Look, Quiet, look_every};

use super::stop;
use crate::app::App;

/// How long a guest may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A run of a machine, and since when it is quiet.
type Seen = BTreeMap<(VmId, Option<Timestamp>), Quiet>;

/// Looks at every machine that runs until the daemon ends, and begins to stop those that were quiet for long enough.
pub(super) async fn stop_stale(app: Arc<App>) {
    let AutoStop::After(after) = app.config.auto_stop() else { return };
    let after = after.duration();
    let (began, mut seen) = (Instant::now(), Seen::new());
    loop {
        tokio::select! {
            () = tokio::time::sleep(look_every(after)) => {}
            () = app.leaving.cancelled() => return,
        }
        let running: Vec<_> =
            app.owner.snapshot().vms.iter().filter(|vm| is_looked_at(&app, vm)).cloned().collect();
        let looks = join_all(running.iter().map(|vm| look(&app, vm, began))).await;
        let mut now = Seen::new();
        for (vm, look) in running.iter().zip(looks) {
            // Of a guest that does not answer, or whose agent does not count, nothing is known: it runs on.
            let Some(look) = look else { continue };
            let run = (vm.id.clone(), vm.started_at);
            let quiet = seen.get(&run).map_or_else(|| Quiet::begin(look), |quiet| quiet.next(look));
            now.insert(run, quiet);
            if quiet.lasts() >= after {
                begin_to_stop(&app, vm, quiet.lasts());
            }
        }
        seen = now;
    }
}

fn is_looked_at(app: &App, vm: &VmRecord) -> bool {
    vm.state == VmState::Running && !app.busy.has(&vm.id)
}

async fn look(app: &App, vm: &VmRecord, began: Instant) -> Option<Look> {
    let guest = app.guest(&vm.id);
    let stats = tokio::time::timeout(ANSWER_LIMIT, guest.stats()).await.ok()?.ok()?;
    let activity = stats.activity?;
    Some(Look {
        at: began.elapsed(),
        sessions_open: activity.sessions_open,
        sessions_begun: activity.sessions_begun,
        connections: activity.connections,
        busy: Duration::from_millis(stats.cpu_busy_millis),
    })
}

/// What cannot be stopped now, as while an update holds changes, is tried again after the next look.
fn begin_to_stop(app: &Arc<App>, vm: &VmRecord, quiet: Duration) {
    let begun = app.holds.enter().and_then(|_change| match app.owner.get(&vm.id) {
        Some(vm) if is_looked_at(app, &vm) => stop(app, &vm).map(Some),
        _ => Ok(None),
    });
    match begun {
        Ok(Some(operation)) => {
            let quiet_secs = quiet.as_secs();
            tracing::info!(vm = %vm.name, op = %operation.id(), quiet_secs, "nobody uses it, and it is stopped");
        }
        Ok(None) => {}
        Err(why) => tracing::warn!(vm = %vm.name, "nobody uses it, and it is not stopped: {why}"),
    }
}
