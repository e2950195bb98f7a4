//! `banger image promote`.

use api::ImagePromote;
use clap_complete::ArgValueCompleter;
use model::ImageName;

use super::make::make;
use crate::{commands::completion, daemon::Context, fault::Fault};

/// Make an image of a stopped machine's root disk
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger image promote box my-tools")]
pub(crate) struct Promote {
    /// The machine, by name, id, or an unambiguous beginning of either
    #[arg(value_name = "MACHINE", add = ArgValueCompleter::new(completion::machines))]
    machine: String,
    /// The image's name
    name: ImageName,
}

impl Promote {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("make image {} of {}", self.name, self.machine);
        let client = context.daemon(&doing).await?;
        let vm = context.vm(&client, &self.machine, &doing).await?;
        let promote = ImagePromote { vm: vm.id.to_string(), name: self.name.clone() };
        make(context, &client, &doing, client.image_promote(&promote).await).await
    }
}
