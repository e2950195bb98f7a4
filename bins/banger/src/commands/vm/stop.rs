//! `banger vm stop`.

use super::many::{Machines, Verb};
use crate::{daemon::Context, fault::Fault};

/// Stop machines: each is asked to sync and power off, and ended if it does not
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm stop box\n  banger vm stop box web")]
pub(crate) struct Stop {
    #[command(flatten)]
    machines: Machines,
}

const VERB: Verb<'_> = Verb { now: "stop", past: "stopped", doing: "stop machines", boots: false };

impl Stop {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        self.machines.operate(context, VERB, async |client, vm| client.vm_stop(vm.id.as_str()).await).await
    }
}
