//! `banger kernel show`.

use clap_complete::ArgValueCompleter;
use model::KernelName;

use crate::{
    commands::completion,
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::{Table, bytes},
};

/// Show all there is to know about a kernel
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger kernel show 6.1.0-40-cloud-amd64")]
pub(crate) struct Show {
    /// The kernel
    #[arg(add = ArgValueCompleter::new(completion::kernels))]
    kernel: KernelName,
}

impl Show {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("show kernel {}", self.kernel);
        let client = context.daemon(&doing).await?;
        let kernel = client.kernel(&self.kernel).await.doing(&doing)?;
        context.screen.show("kernel", &kernel, || {
            let mut table = Table::pairs();
            table.row(["name".to_owned(), kernel.name.to_string()]);
            table.row(["release".to_owned(), kernel.release.clone()]);
            table.row(["digest".to_owned(), kernel.digest.to_string()]);
            table.row(["on disk".to_owned(), bytes(kernel.disk_used.bytes())]);
            table.row(["created".to_owned(), kernel.created_at.to_string()]);
            table.row(["source".to_owned(), kernel.source.clone()]);
            table.to_string()
        });
        Ok(exit::DONE)
    }
}
