//! `banger info`.

use api::{Info as Facts, Setting};
use serde_json::json;

use crate::{
    daemon::{Context, Owners, mode, uid},
    exit,
    fault::{Doing as _, Fault},
    text::Table,
};

/// How banger works on this host, and every setting with where it came from
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger info\n  banger info --json | jq '.info.settings[] | select(.source != \"default\")'"
)]
pub(crate) struct Info {}

impl Info {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "ask the daemon about itself";
        let client = context.daemon(doing).await?;
        let info = Owners::read(doing)?.over(client.info().await.doing(doing)?);
        context.tell_of_version(&client);
        let why = mode(doing)?.why(uid());
        let mut object = json!(info);
        object["mode_why"] = why.as_str().into();
        context.screen.show("info", object, || text(&info, &why));
        Ok(exit::DONE)
    }
}

fn text(info: &Facts, mode_why: &str) -> String {
    let mut table = Table::pairs();
    let mut row = |key: &str, value: String| table.row([key.to_owned(), value]);
    row("mode", format!("{} ({mode_why})", info.mode));
    row("daemon", format!("{} (process {})", info.version, info.pid));
    row("monitor", info.monitor.clone());
    row("accelerator", format!("{} ({})", info.accel, info.accel_why));
    row("network", info.network.clone());
    row("disks", info.disk_method.clone());
    row("image", info.default_image.clone());
    row("kernel", info.default_kernel.clone().unwrap_or_else(|| "none yet".to_owned()));
    row("machine", info.vm_defaults.to_string());
    row("machines", format!("{}, of which {} run", info.vms, info.vms_running));
    for Setting { key, value, .. } in &info.paths {
        row(key, value.clone());
    }
    let mut settings = Table::new(&["SETTING", "VALUE", "FROM"]);
    for Setting { key, value, source } in &info.settings {
        settings.row([key.clone(), value.clone(), source.clone()]);
    }
    format!("{table}\n{settings}")
}
