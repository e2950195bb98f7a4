//! `banger vm exec`.

use std::collections::BTreeMap;

use api::Vm;
use model::{Class, TimeLimit, VmState};

use super::many::Machine;
use crate::{
    daemon::Context,
    fault::{Doing as _, Fault},
    interrupt::Interrupts,
    session::{self, Session},
    text::EnvVar,
};

/// Run a command in a machine that runs; exits with the command's own code
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger vm exec box -- uname -a\n  \
    tar c . | banger vm exec box -- tar x -C /srv\n  \
    banger vm exec -t box -- top\n\n\
    Exit codes: the command's own; 124 after --timeout, 125 where banger itself failed,\n\
    126 and 127 where the command cannot be run or is not there, 128+n after signal n.")]
pub(crate) struct Exec {
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    how: How,
    /// Give the command a terminal
    #[arg(short, long)]
    tty: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<String>,
}

/// How a command runs.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct How {
    /// Set a variable in the command's environment; may be given several times
    #[arg(long = "env", value_name = "K=V")]
    env: Vec<EnvVar>,
    /// End the command after this time, such as 90s, 5m or 1h30m, and exit with 124
    #[arg(long, value_name = "TIME")]
    timeout: Option<TimeLimit>,
}

impl How {
    pub(super) fn session(&self, argv: Vec<String>, tty: bool) -> Session {
        let env: BTreeMap<_, _> = self.env.iter().cloned().map(|var| (var.name, var.value)).collect();
        Session { argv, env, tty, limit: self.timeout.map(TimeLimit::duration) }
    }
}

impl Exec {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let session = self.how.session(self.command.clone(), self.tty);
        let doing = format!("run a command in {}", self.machine.machine);
        let client = context.daemon(&doing).await?;
        let vm = running(context, &client, &self.machine.machine, &doing).await?;
        let mut interrupts = Interrupts::listen().doing(&doing)?;
        session::run(&vm.link_dir, &session, &doing, &mut interrupts).await
    }
}

/// The one machine that is meant, which must run.
pub(super) async fn running(
    context: &Context,
    client: &api::client::Client,
    given: &str,
    doing: &str,
) -> Result<Vm, Fault> {
    that_runs(context.vm(client, given, doing).await?, doing)
}

/// The machine, if it runs.
pub(crate) fn that_runs(vm: Vm, doing: &str) -> Result<Vm, Fault> {
    match vm.state {
        VmState::Running => Ok(vm),
        VmState::Starting => {
            Err(Fault::new(Class::Refused, format!("{doing}: the machine is still starting"))
                .hint(format!("`banger vm logs -f {}` shows how far it is.", vm.name)))
        }
        state => Err(Fault::new(Class::Refused, format!("{doing}: the machine does not run, it is {state}"))
            .hint(format!("Start it with `banger vm start {}`.", vm.name))),
    }
}
