//! The commands under `banger vm`.

use super::{
    cp, create, delete, exec, health, kill, list, logs, ping, ports, prune, restart, run, set, show, ssh,
    start, stats, stop, workspace,
};
use crate::{
    daemon::{Context, Owners, glance},
    fault::Fault,
};

/// Machines
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Vm {
    Run(run::Run),
    Create(create::Create),
    Start(start::Start),
    Stop(stop::Stop),
    Restart(restart::Restart),
    Kill(kill::Kill),
    Delete(delete::Delete),
    Set(set::Set),
    List(list::List),
    Show(show::Show),
    Stats(stats::Stats),
    Health(health::Health),
    Ping(ping::Ping),
    Logs(logs::Logs),
    Ssh(ssh::Ssh),
    Exec(exec::Exec),
    Cp(cp::Cp),
    Ports(ports::Ports),
    /// Repositories in machines
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    Workspace(workspace::Workspace),
    Prune(prune::Prune),
}

impl Vm {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, Fault> {
        match self {
            Self::Run(run) => run.run(context).await,
            Self::Create(create) => create.run(context).await,
            Self::Start(start) => start.run(context).await,
            Self::Stop(stop) => stop.run(context).await,
            Self::Restart(restart) => restart.run(context).await,
            Self::Kill(kill) => kill.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Set(set) => set.run(context).await,
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Stats(stats) => stats.run(context).await,
            Self::Health(health) => health.run(context).await,
            Self::Ping(ping) => ping.run(context).await,
            Self::Logs(logs) => logs.run(context).await,
            Self::Ssh(ssh) => ssh.run(context).await,
            Self::Exec(exec) => exec.run(context).await,
            Self::Cp(cp) => cp.run(context).await,
            Self::Ports(ports) => ports.run(context).await,
            Self::Workspace(workspace) => workspace.run(context).await,
            Self::Prune(prune) => prune.run(context).await,
        }
    }
}

/// Adds to the help of `run` and `create` what this host's defaults are, where the daemon runs and says so.
pub(crate) fn with_defaults_of_this_host(command: clap::Command) -> clap::Command {
    let Some(info) = glance(async |client| client.info().await.ok()) else {
        return command;
    };
    // A file that cannot be used is told of by the command itself.
    let info = Owners::read("show the help").map(|owners| owners.over(info.clone())).unwrap_or(info);
    let kernel = info.default_kernel.as_deref().unwrap_or("pulled at first use");
    let line =
        format!("Defaults of this host: {}, image {}, kernel {kernel}", info.vm_defaults, info.default_image);
    let add = |command: clap::Command| {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        command.after_help(format!("{after}\n\n{line}"))
    };
    command
        .mut_subcommand("run", add)
        .mut_subcommand("vm", |vm| vm.mut_subcommand("run", add).mut_subcommand("create", add))
}
