//! `banger vm start`.

use super::many::{Machines, Verb};
use crate::{daemon::Context, fault::Fault};

/// Start machines, and wait until they answer
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm start box\n  banger vm start box web")]
pub(crate) struct Start {
    #[command(flatten)]
    machines: Machines,
}

const VERB: Verb<'_> = Verb { now: "start", past: "started", doing: "start machines", boots: true };

impl Start {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        self.machines.operate(context, VERB, async |client, vm| client.vm_start(vm.id.as_str()).await).await
    }
}
