//! `banger vm prune`.

use std::io::{self, IsTerminal as _, Write as _};

use api::Vm;
use futures::{StreamExt as _, stream::FuturesOrdered};
use model::VmState;
use serde_json::json;

use crate::{
    commands::each::{Told, tell},
    daemon::Context,
    exit,
    fault::{Doing as _, Explain as _, Fault},
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
        let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal() && !context.screen.is_json();
        if !self.force && !can_ask {
            return Err(Fault::usage(format!("{DOING}: there is no terminal to ask on")).hint("Give -f."));
        }
        let client = context.daemon(DOING).await?;
        let mut vms = context.vms(&client, DOING).await?;
        vms.retain(|vm| matches!(vm.state, VmState::Created | VmState::Stopped | VmState::Error));
        if vms.is_empty() {
            context.screen.note("nothing to delete");
        } else if !self.force && !asked(&vms)? {
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

fn asked(vms: &[Vm]) -> Result<bool, Fault> {
    let names: Vec<&str> = vms.iter().map(|vm| vm.name.as_str()).collect();
    write!(io::stderr(), "delete {} with all they hold? [y/N] ", names.join(", ")).ok();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| error.explain(DOING))?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
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
