//! `banger vm prune`.

use api::Vm;
use futures::{StreamExt as _, stream::FuturesOrdered};
use model::VmState;
use serde_json::json;

use crate::{
    commands::{
        ask::Yes,
        each::{Told, tell},
    },
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    follow::{OnSignal, Operation, Progress},
    interrupt::Interrupts,
};

/// Delete all machines that do not run
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm prune\n  banger vm prune -f")]
pub(crate) struct Prune {
    /// Do not ask first
    #[arg(short, long)]
    force: bool,
}

const DOING: &str = "delete machines that do not run";

impl Prune {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let yes = Yes { flag: "-f", is_given: self.force };
        yes.check(context, DOING)?;
        let client = context.daemon(DOING).await?;
        let mut vms = context.vms(&client, DOING).await?;
        vms.retain(|vm| matches!(vm.state, VmState::Created | VmState::Stopped | VmState::Error));
        if vms.is_empty() {
            context.screen.note("nothing to delete");
        } else if !yes.ask(context, &question(&vms), DOING)? {
            context.screen.note("nothing was deleted");
            return Ok(exit::DONE);
        }
        let progress = Progress::new(context.screen);
        let mut works: FuturesOrdered<_> =
            vms.iter().map(|vm| delete(context, &client, vm, &progress)).collect();
        let mut code = exit::DONE;
        let mut vms = vms.iter();
        while let (Some(result), Some(vm)) = (works.next().await, vms.next()) {
            let about = json!({ "id": vm.id, "name": vm.name });
            let told =
                result.map(|()| Told { what: "vm", object: about, text: format!("deleted {}", vm.name) });
            code = code.max(tell(context, vm.name.as_str(), told));
        }
        Ok(code)
    }
}

fn question(vms: &[Vm]) -> String {
    let names: Vec<&str> = vms.iter().map(|vm| vm.name.as_str()).collect();
    format!("delete {} with all they hold?", names.join(", "))
}

async fn delete(
    context: &Context,
    client: &api::client::Client,
    vm: &Vm,
    progress: &Progress,
) -> Result<(), Fault> {
    let doing = format!("delete {}", vm.name);
    let accepted = client.vm_delete(vm.id.as_str()).await.doing(&doing)?;
    let mut interrupts = Interrupts::listen().doing(&doing)?;
    let operation = Operation { context, client, doing: &doing, on_signal: OnSignal::Cancel };
    let mut line = progress.line(vm.name.as_str());
    operation.wait(accepted, &mut line, &mut interrupts).await?;
    Ok(())
}
