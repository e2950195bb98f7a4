//! `banger vm stats`.

use api::VmStats;
use serde_json::json;

use super::many::Machines;
use crate::{
    commands::each::Told,
    daemon::Context,
    fault::{Doing as _, Fault},
    text::bytes,
};

/// Show what machines use
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger vm stats box\n  banger vm stats box --json | jq .result.stats.guest"
)]
pub(crate) struct Stats {
    #[command(flatten)]
    machines: Machines,
}

impl Stats {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "ask what machines use";
        let client = &context.daemon(doing).await?;
        self.machines
            .each(context, client, doing, |vm, _| {
                Box::pin(async move {
                    let doing = format!("ask what {} uses", vm.name);
                    let stats = client.vm_stats(vm.id.as_str()).await.doing(&doing)?;
                    Ok(Told { what: "stats", text: text(&stats), object: json!(stats) })
                })
            })
            .await
    }
}

fn text(stats: &VmStats) -> String {
    let mut parts = vec![format!("{}: {}", stats.name, stats.state)];
    if let Some(millis) = stats.cpu_millis {
        parts.push(format!("cpu {}.{}s", millis / 1000, millis % 1000 / 100));
    }
    if let Some(resident) = stats.memory_resident_bytes {
        parts.push(format!("memory {}", bytes(resident)));
    }
    parts.push(format!("disk {}", bytes(stats.disk_used_bytes)));
    // An agent of another generation may say other things; what it does not say is left out.
    let guest = stats.guest.clone().and_then(|value| serde_json::from_value::<guest::Stats>(value).ok());
    if let Some(guest) = guest {
        let used = guest.memory_total_bytes.saturating_sub(guest.memory_available_bytes);
        let load = guest.load_1m_hundredths;
        parts.push(format!(
            "inside: load {}.{:02}, memory {} of {}, root {} free, home {} free",
            load / 100,
            load % 100,
            bytes(used),
            bytes(guest.memory_total_bytes),
            bytes(guest.root_free_bytes),
            bytes(guest.home_free_bytes),
        ));
    }
    parts.join(" | ")
}
