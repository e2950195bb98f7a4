//! `banger kernel list`.

use api::Kernel;
use jiff::Timestamp;

use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::{Table, ago, bytes},
};

/// List kernels
#[derive(Debug, clap::Args)]
#[command(visible_alias = "ls", after_help = "Examples:\n  banger kernel list")]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "list kernels";
        let client = context.daemon(doing).await?;
        let kernels = client.kernels().await.doing(doing)?;
        context.screen.show("kernels", &kernels, || text(&kernels, Timestamp::now()));
        Ok(exit::DONE)
    }
}

fn text(kernels: &[Kernel], now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "RELEASE", "ON DISK", "AGE", "SOURCE"]);
    for kernel in kernels {
        table.row([
            kernel.name.to_string(),
            kernel.release.clone(),
            bytes(kernel.disk_used.bytes()),
            ago(kernel.created_at, now),
            kernel.source.clone(),
        ]);
    }
    table.to_string()
}
