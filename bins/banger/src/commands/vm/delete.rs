//! `banger vm delete`.

use super::many::{Machines, Verb};
use crate::{daemon::Context, fault::Fault};

/// Delete machines with their disks; those that run are stopped first
#[derive(Debug, clap::Args)]
#[command(visible_alias = "rm", after_help = "Examples:\n  banger vm delete box\n  banger vm rm box web")]
pub(crate) struct Delete {
    #[command(flatten)]
    machines: Machines,
}

pub(super) const VERB: Verb<'_> =
    Verb { now: "delete", past: "deleted", doing: "delete machines", boots: false };

impl Delete {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        self.machines.operate(context, VERB, async |client, vm| client.vm_delete(vm.id.as_str()).await).await
    }
}
