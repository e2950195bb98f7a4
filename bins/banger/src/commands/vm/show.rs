//! `banger vm show`.

use api::Vm;
use jiff::Timestamp;
use serde_json::json;

use super::{list::reached_at, many::Machines};
use crate::{
    commands::each::Told,
    daemon::Context,
    fault::Fault,
    text::{Table, ago},
};

/// Show all there is to know about machines
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm show box\n  banger vm show box --json | jq .result.vm.dir")]
pub(crate) struct Show {
    #[command(flatten)]
    machines: Machines,
}

impl Show {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "show machines";
        let client = context.daemon(doing).await?;
        self.machines
            .each(context, &client, doing, |vm, _| {
                Box::pin(async move {
                    Ok(Told { what: "vm", object: json!(vm), text: text(&vm, Timestamp::now()) })
                })
            })
            .await
    }
}

fn text(vm: &Vm, now: Timestamp) -> String {
    let mut table = Table::pairs();
    let mut row = |key: &str, value: String| table.row([key.to_owned(), value]);
    row("name", vm.name.to_string());
    row("id", vm.id.to_string());
    row("state", vm.state.to_string());
    if let Some(error) = &vm.error {
        row("error", error.clone());
    }
    row("image", vm.image.to_string());
    row("kernel", vm.kernel.to_string());
    row("machine", vm.spec.to_string());
    row("network", if vm.spec.nat { "reaches out" } else { "closed" }.to_owned());
    row("reached at", reached_at(vm));
    row("created", format!("{} ago", ago(vm.created_at, now)));
    if let Some(started_at) = vm.started_at {
        row("started", format!("{} ago", ago(started_at, now)));
    }
    let accel = vm.accel.as_deref().map(|accel| format!(", {accel}")).unwrap_or_default();
    let process = vm.monitor_pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
    row("monitor", format!("{}{accel}{process}", vm.monitor));
    if let Some(workspace) = &vm.workspace {
        row("workspace", format!("{} at {}", workspace.host_path.display(), workspace.guest_path));
    }
    row("directory", vm.dir.display().to_string());
    table.to_string().trim_end().to_owned()
}
