//! `banger vm list`.

use api::Vm;
use jiff::Timestamp;
use model::VmState;

use crate::{
    daemon::Context,
    exit,
    fault::Fault,
    text::{Table, ago},
};

/// List machines
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "ls",
    after_help = "Examples:\n  banger vm list\n  banger ps\n  banger vm list --json | jq -r '.vms[].name'"
)]
pub(crate) struct List {
    /// Those that run only
    #[arg(long)]
    running: bool,
}

impl List {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "list machines";
        let client = context.daemon(doing).await?;
        let mut vms = context.vms(&client, doing).await?;
        vms.retain(|vm| !self.running || vm.state == VmState::Running);
        context.screen.show("vms", &vms, || text(&vms, Timestamp::now()));
        Ok(exit::DONE)
    }
}

fn text(vms: &[Vm], now: Timestamp) -> String {
    let mut table =
        Table::new(&["NAME", "STATE", "VCPU", "MEMORY", "IMAGE", "REACHED AT", "WORKSPACE", "AGE"]);
    for vm in vms {
        table.row([
            vm.name.to_string(),
            vm.state.to_string(),
            vm.spec.vcpus.to_string(),
            vm.spec.memory.to_string(),
            vm.image.to_string(),
            reached_at(vm),
            vm.workspace
                .as_ref()
                .map_or("-".to_owned(), |workspace| workspace.host_path.display().to_string()),
            ago(vm.created_at, now),
        ]);
    }
    table.to_string()
}

/// Its address, and the ports of this host that lead into it.
pub(super) fn reached_at(vm: &Vm) -> String {
    let ports = vm.published.iter().map(|publish| match publish.host {
        Some(host) => format!("127.0.0.1:{host}->{}", publish.guest),
        None => format!("->{}", publish.guest),
    });
    let all: Vec<String> = vm.address.iter().cloned().chain(ports).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}
