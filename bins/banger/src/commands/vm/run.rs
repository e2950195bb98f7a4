//! `banger vm run`, which is `banger run`.

use std::{path::PathBuf, time::Instant};

use api::{Vm, client::Client};
use guest::client::Connection;
use model::VmState;
use workspace::Plan;

use super::{
    begin::Beginning,
    exec::How,
    fit::Fit,
    remove::remove,
    workspace::{Source, check_tools, enter, show_plan},
};
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    interrupt::Interrupts,
    session::{self, Session},
    text::elapsed,
};

/// Make a machine, and open a shell or run a command in it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger run                                  a shell in a new machine\n  \
    banger run --rm -- uname -a                 one command, and the machine is gone\n  \
    banger run . -- make test                   a command in a copy of this repository\n  \
    banger run ./app                            a shell in one\n  \
    banger run -d --name web --publish 8080:80  a machine that runs by itself\n  \
    tar c . | banger run --rm -- sh -c 'tar x && make test'\n\n\
    Without a command: a shell, and the machine runs on after it. With one: its stdout and stderr apart,\n\
    and its exit code.\n\n\
    Of a repository, the files that git tracks are copied as they are, and its history of late.\n\n\
    Exit codes: the command's own; 124 after --timeout, 125 where banger itself failed,\n\
    126 and 127 where the command cannot be run or is not there, 128+n after signal n.")]
pub(crate) struct Run {
    /// A directory of a git repository, to be copied to /root/repo in the machine
    #[arg(value_name = "PATH", help_heading = "Arguments", value_hint = clap::ValueHint::DirPath)]
    path: Option<PathBuf>,
    /// Delete the machine afterwards, whatever comes of the command
    #[arg(long)]
    rm: bool,
    /// Start it and leave it running; its name is printed
    #[arg(short, long)]
    detach: bool,
    /// Give the command a terminal, as a shell gets one by itself
    #[arg(short, long)]
    tty: bool,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    fit: Fit,
    #[command(flatten)]
    source: Source,
    /// The command and its arguments; a login shell where there is none
    #[arg(last = true, value_name = "CMD", help_heading = "Arguments")]
    command: Vec<String>,
}

/// What is meant.
enum Intent {
    /// A machine that runs by itself.
    Detached,
    /// A session in it.
    Session(Session),
}

const DOING: &str = "run a machine";

impl Run {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let began = Instant::now();
        let intent = self.intent()?;
        let plan = match &self.path {
            Some(path) => Some(self.source.plan(path, DOING)?),
            None => None,
        };
        if let Some(plan) = plan.as_ref().filter(|_| self.source.is_dry_run()) {
            show_plan(context, plan);
            return Ok(exit::DONE);
        }
        let client = &context.daemon(DOING).await?;
        if let Some(tool_file) = plan.as_ref().and_then(|plan| self.source.tools_of(plan)) {
            let info = client.info().await.doing(DOING)?;
            check_tools(tool_file, self.fit.spec(&info, DOING)?.nat, DOING)?;
        }
        // From here on a signal must not end this program: there is something to clean up.
        let mut interrupts = Interrupts::listen().doing(DOING)?;
        let beginning = Beginning { context, client, fit: &self.fit, start: true, doing: DOING };
        let mut vm = beginning.begin(&mut interrupts).await?;
        if let Some(plan) = plan {
            vm = self.put(context, client, vm, plan, &mut interrupts).await?;
        }
        context.screen.note(&format!("ready in {}", elapsed(began.elapsed())));
        match intent {
            Intent::Detached => {
                context.screen.show("vm", &vm, || format!("{}\n", vm.name));
                Ok(exit::DONE)
            }
            Intent::Session(session) => self.attend(context, client, &vm, session, &mut interrupts).await,
        }
    }

    fn intent(&self) -> Result<Intent, Fault> {
        let refuse = |why: &str, hint: &str| Err(Fault::usage(format!("{DOING}: {why}")).hint(hint));
        if let (None, Some(flag)) = (&self.path, self.source.first_given()) {
            let why = format!("{flag} is about a repository, and none was given");
            return refuse(&why, "Give its directory: `banger run . -- make test`.");
        }
        if self.detach && self.rm {
            return refuse(
                "-d and --rm exclude each other",
                "`banger vm delete` deletes it when it is done with.",
            );
        }
        if self.detach && !self.command.is_empty() {
            let hint = "Leave out -d, or give the command to `banger vm exec` afterwards.";
            return refuse("-d and a command exclude each other", hint);
        }
        if self.detach && self.tty {
            return refuse("-d and -t exclude each other", "`banger vm exec -t` gives a command a terminal.");
        }
        self.fit.check(DOING)?;
        if self.detach {
            return Ok(Intent::Detached);
        }
        let tty = self.tty || (self.command.is_empty() && session::stdin_is_terminal());
        Ok(Intent::Session(self.how.session(self.command.clone(), tty)))
    }

    /// Puts the repository into the new machine. One that it did not get into is deleted: there is nothing in it.
    async fn put(
        &self,
        context: &Context,
        client: &Client,
        vm: Vm,
        plan: Plan,
        interrupts: &mut Interrupts,
    ) -> Result<Vm, Fault> {
        match self.source.put(context, client, &vm, plan, false, interrupts).await {
            Ok(vm) => Ok(vm),
            Err(fault) => {
                remove(context, client, &vm, interrupts).await?;
                Err(fault)
            }
        }
    }

    /// Runs the session and sees to the machine afterwards.
    async fn attend(
        &self,
        context: &Context,
        client: &Client,
        vm: &Vm,
        session: Session,
        interrupts: &mut Interrupts,
    ) -> Result<u8, Fault> {
        let doing = format!("run a command in {}", vm.name);
        let code = match &vm.workspace {
            Some(workspace) => enter(session, workspace, &Connection::in_dir(&vm.link_dir), &doing).await,
            None => Ok(session),
        };
        let code = match code {
            Ok(session) => session::run(&vm.link_dir, &session, &doing, interrupts).await,
            Err(fault) => Err(fault),
        };
        // The daemon may have come and gone while the session needed none.
        let client = match client.probe().await {
            Ok(()) => client.clone(),
            Err(_) => context.daemon(&doing).await?,
        };
        if self.rm {
            let removed = remove(context, &client, vm, interrupts).await;
            // What the command said of itself comes first.
            return match (code, removed) {
                (Ok(exit::DONE), Err(fault)) => Err(fault),
                (code, Err(fault)) => {
                    context.screen.warn(&fault.message);
                    code
                }
                (code, Ok(())) => code,
            };
        }
        let after = client.vm(vm.id.as_str()).await;
        if after.is_ok_and(|after| after.state == VmState::Running) {
            context.screen.note(&format!(
                "{name} still runs. Back into it: banger vm ssh {name}. Delete it: banger vm delete {name}",
                name = vm.name
            ));
        }
        code
    }
}
