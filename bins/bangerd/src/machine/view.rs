//! A machine as the client sees it.

use api::{Vm, Workspace};
use store::VmRecord;

use crate::app::App;

/// Makes what is told of a machine.
pub(crate) fn view(app: &App, vm: &VmRecord) -> Vm {
    Vm {
        id: vm.id.clone(),
        name: vm.name.clone(),
        state: vm.state,
        error: vm.error.clone(),
        image: vm.image.clone(),
        kernel: vm.kernel.clone(),
        spec: vm.spec.clone(),
        created_at: vm.created_at,
        started_at: vm.started_at,
        boot_id: vm.boot_id.clone(),
        monitor_pid: vm.monitor_process.as_ref().map(|process| process.pid),
        monitor: vm.monitor.clone(),
        accel: vm.accel.clone(),
        address: app.hands.address(&vm.id).map(|address| address.to_string()),
        published: vm.published.clone(),
        dir: app.dirs.vm(&vm.id),
        link_dir: app.link_dir(&vm.id),
        ssh_key: app.dirs.ssh_key(),
        workspace: vm.workspace.as_ref().map(|workspace| Workspace {
            host_path: workspace.host_path.clone(),
            guest_path: workspace.guest_path.clone(),
            commit: workspace.commit.clone(),
            copied: workspace.copied.clone(),
        }),
    }
}
