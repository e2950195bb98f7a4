//! `banger kernel rm`.

use clap_complete::ArgValueCompleter;
use model::KernelName;
use serde_json::json;

use crate::{
    commands::{completion, each},
    daemon::Context,
    fault::{Doing as _, Fault},
};

/// Delete kernels that no machine uses
#[derive(Debug, clap::Args)]
#[command(visible_alias = "delete", after_help = "Examples:\n  banger kernel rm 6.1.0-40-cloud-amd64")]
pub(crate) struct Remove {
    /// The kernels
    #[arg(value_name = "KERNEL", required = true, add = ArgValueCompleter::new(completion::kernels))]
    kernels: Vec<KernelName>,
}

impl Remove {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let client = &context.daemon("delete kernels").await?;
        each::in_order(context, &self.kernels, async |name| {
            let doing = format!("delete kernel {name}");
            client.kernel_delete(name).await.doing(&doing)?;
            Ok(each::Told {
                what: "kernel",
                object: json!({ "name": name }),
                text: format!("deleted {name}"),
            })
        })
        .await
    }
}
