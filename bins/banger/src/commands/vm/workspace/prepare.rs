//! `banger vm workspace prepare`.

use std::{path::PathBuf, sync::Arc};

use api::{Vm, client::Client};
use workspace::Plan;

use super::{
    carry::Carry,
    source::{Source, show_plan},
    tools::{check_tools, install_tools},
};
use crate::{
    commands::vm::{many::Machine, running::running},
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    interrupt::Interrupts,
};

/// Copy a repository into a machine that runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger vm workspace prepare box .\n  \
    banger vm workspace prepare box ~/src/app --branch fix --from v1.2\n  \
    banger vm workspace prepare box . --include-untracked --dry-run\n\n\
    Copied are the files that git tracks, as they are in the work tree, and a repository that stands on the\n\
    same commit. Copying again brings the copy up to date: what the guest made besides stays.")]
pub(crate) struct Prepare {
    #[command(flatten)]
    machine: Machine,
    /// A directory of the repository
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    source: Source,
    /// Drop what the guest changed in its copy
    #[arg(long)]
    overwrite: bool,
}

impl Prepare {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = &format!("copy a repository into {}", self.machine.machine);
        let plan = self.source.plan(&self.path, doing)?;
        if self.source.dry_run {
            show_plan(context, &plan);
            return Ok(exit::DONE);
        }
        let client = context.daemon(doing).await?;
        let vm = running(context, &client, &self.machine.machine, doing).await?;
        let mut interrupts = Interrupts::listen().doing(doing)?;
        let vm = self.source.put(context, &client, &vm, plan, self.overwrite, &mut interrupts).await?;
        context.screen.show("vm", &vm, String::new);
        Ok(exit::DONE)
    }
}

impl Source {
    /// Puts a repository into a machine, with its tools.
    pub(crate) async fn put(
        &self,
        context: &Context,
        client: &Client,
        vm: &Vm,
        plan: Plan,
        overwrite: bool,
        interrupts: &mut Interrupts,
    ) -> Result<Vm, Fault> {
        let doing = &format!("copy a repository into {}", vm.name);
        let tool_file = self.tools_of(&plan);
        if let Some(tool_file) = tool_file {
            check_tools(tool_file, vm.spec.nat, doing)?;
        }
        let guest_path = self.guest_path.clone().unwrap_or_default();
        let (plan, path) = (Arc::new(plan), guest_path.clone());
        let carry = Carry { context, client, vm, plan, source: self, guest_path, overwrite, doing };
        let vm = carry.carry(interrupts).await?;
        if let Some(tool_file) = tool_file {
            install_tools(context, &vm, &path, tool_file, interrupts).await?;
        }
        Ok(vm)
    }
}
