//! From a command to what does it.

use clap::CommandFactory as _;

use super::{
    cli::{Cli, Command},
    version,
};
use crate::{daemon::Context, fault::Fault};

/// Does what was asked, and returns the exit code.
pub(crate) async fn run(command: Command, context: &Context) -> Result<u8, Fault> {
    match command {
        Command::Run(run) => run.run(context).await,
        Command::Ps(list) => list.run(context).await,
        Command::Vm(vm) => vm.run(context).await,
        Command::Image(image) => image.run(context).await,
        Command::Kernel(kernel) => kernel.run(context).await,
        Command::SshConfig(ssh_config) => ssh_config.run(context),
        Command::System(system) => system.run(context).await,
        Command::Update(update) => update.run(context).await,
        Command::Daemon(daemon) => daemon.run(context).await,
        Command::Info(info) => info.run(context).await,
        Command::Du(du) => du.run(context).await,
        Command::Doctor(doctor) => doctor.run(context).await,
        Command::Version(version::Version {}) => Ok(version::run(context)),
        Command::Completion(completion) => completion.run(),
        Command::Internal(internal) => internal.run(context, Cli::command).await,
    }
}
