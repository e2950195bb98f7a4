//! `banger vm restart`.

use super::many::{Machines, Verb};
use crate::{daemon::Context, fault::Fault};

/// Stop machines as `vm stop` does, and start them again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm restart box")]
pub(crate) struct Restart {
    #[command(flatten)]
    machines: Machines,
}

const VERB: Verb<'_> = Verb { now: "restart", past: "restarted", doing: "restart machines", boots: true };

impl Restart {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        self.machines.operate(context, VERB, async |client, vm| client.vm_restart(vm.id.as_str()).await).await
    }
}
