//! What the daemon does with its machines when it starts.

use std::{sync::Arc, time::Duration};

use model::VmId;

use super::{
    accel,
    console::keep_logs_short,
    settle::settle_found,
    stale::stop_stale,
    strays::{clear_away, mark},
    unsettled::settle_again,
};
use crate::{app::App, failure::chain};

/// How soon it is tried again to settle a machine that could not be.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// Takes the machines up: what runs is watched, what was interrupted is finished or undone, what nobody owns
/// is removed. Then changes are let in. What cannot be settled is logged, and keeps nothing else from being.
pub(crate) async fn take_all_up(app: Arc<App>) {
    if let Err(error) = vmm::probe::sweep(app.dirs.state(), &app.host_boot).await {
        tracing::error!("what is left of a probe stays: {}", chain(&error));
    }
    if app.is_on_trial {
        // What is nobody's may be what this release does not see. It may go back, and the other would miss it.
        tracing::info!("it is on trial: what belongs to no machine stays until the next start");
    } else {
        clear_away(&app).await;
    }
    let vms = app.owner.snapshot().vms.clone();
    for vm in &vms {
        mark(&app, &vm.id);
    }
    let mut left = vec![];
    for (vm, processes) in vms.iter().zip(app.hands.find_each(&vms).await) {
        let settled = match processes {
            Ok(processes) => settle_found(&app, vm, &processes).await,
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            tracing::error!(vm = %vm.name, "it could not be settled: {error}");
            left.push(vm.id.clone());
        }
    }
    accel::recall(&app).await;
    app.set_ready();
    tracing::info!("the machines are taken up");
    tokio::spawn(settle_rest(Arc::clone(&app), left));
    tokio::spawn(keep_logs_short(Arc::clone(&app)));
    tokio::spawn(stop_stale(app));
}

/// Tries again to settle those that could not be, until each is: a helper that did not answer may do so by now, and a port
/// that was taken be free.
async fn settle_rest(app: Arc<App>, mut left: Vec<VmId>) {
    while !left.is_empty() {
        tokio::select! {
            () = tokio::time::sleep(TRY_EVERY) => {}
            () = app.leaving.cancelled() => return,
        }
        let mut still = vec![];
        for id in left {
            let Some(vm) = app.owner.get(&id) else { continue };
            if let Err(error) = settle_again(&app, &vm).await {
                tracing::warn!(vm = %vm.name, "it could not be settled: {error}");
                still.push(id);
            }
        }
        left = still;
    }
}
