//! `banger vm exec`.

use std::collections::BTreeMap;

use guest::client::Connection;
use model::TimeLimit;

use super::{
    many::Machine,
    running::running,
    workspace::{GuestPath, enter, prepare_again, tell_if_moved},
};
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
    banger vm exec -t box -- top\n  \
    banger vm exec --auto-prepare box -- make test\n\n\
    A machine with a repository runs it there, and a warning tells where the repository here has moved on.\n\n\
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
    /// Copy the machine's repository again first, where it has moved on
    #[arg(long)]
    auto_prepare: bool,
    /// Where it starts [default: the repository in the machine, or else /root]
    #[arg(long, value_name = "DIR")]
    guest_path: Option<GuestPath>,
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
        Session { argv, env, tty, limit: self.timeout.map(TimeLimit::duration), dir: None }
    }
}

impl Exec {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let mut session = self.how.session(self.command.clone(), self.tty);
        session.dir = self.guest_path.as_ref().map(ToString::to_string);
        let doing = format!("run a command in {}", self.machine.machine);
        let client = context.daemon(&doing).await?;
        let mut vm = running(context, &client, &self.machine.machine, &doing).await?;
        let mut interrupts = Interrupts::listen().doing(&doing)?;
        if self.auto_prepare {
            vm = prepare_again(context, &client, vm, &doing, &mut interrupts).await?;
        }
        // Elsewhere in the guest the repository does not matter.
        if let Some(workspace) =
            vm.workspace.as_ref().filter(|workspace| workspace.holds(session.dir.as_deref()))
        {
            if !self.auto_prepare {
                tell_if_moved(context, &vm, workspace);
            }
            session = enter(session, workspace, &Connection::in_dir(&vm.link_dir), &doing).await?;
        }
        session::run(&vm.link_dir, &session, &doing, &mut interrupts).await
    }
}
