//! `banger vm run`, which is `banger run`.

use std::{path::PathBuf, time::Instant};

use api::{Vm, client::Client};
use model::VmState;

use super::{begin::Beginning, exec::How, fit::Fit, remove::remove};
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
    banger run -d --name web --publish 8080:80  a machine that runs by itself\n  \
    tar c . | banger run --rm -- sh -c 'tar x && make test'\n\n\
    Without a command: a shell, and the machine runs on after it. With one: its stdout and stderr apart,\n\
    and its exit code.\n\n\
    Exit codes: the command's own; 124 after --timeout, 125 where banger itself failed,\n\
    126 and 127 where the command cannot be run or is not there, 128+n after signal n.")]
pub(crate) struct Run {
    #[arg(hide = true)]
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
        let client = &context.daemon(DOING).await?;
        // From here on a signal must not end this program: there is something to clean up.
        let mut interrupts = Interrupts::listen().doing(DOING)?;
        let beginning = Beginning { context, client, fit: &self.fit, start: true, doing: DOING };
        let vm = beginning.begin(&mut interrupts).await?;
        context.screen.note(&format!("ready in {}", elapsed(began.elapsed())));
        match intent {
            Intent::Detached => {
                context.screen.show("vm", &vm, || format!("{}\n", vm.name));
                Ok(exit::DONE)
            }
            Intent::Session(session) => self.attend(context, client, &vm, &session, &mut interrupts).await,
        }
    }

    fn intent(&self) -> Result<Intent, Fault> {
        let refuse = |why: &str, hint: &str| Err(Fault::usage(format!("{DOING}: {why}")).hint(hint));
        if let Some(path) = &self.path {
            let why =
                format!("a repository ({}) cannot be put into a machine in this release", path.display());
            return refuse(&why, "A command stands after `--`; `banger vm cp` copies files.");
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

    /// Runs the session and sees to the machine afterwards.
    async fn attend(
        &self,
        context: &Context,
        client: &Client,
        vm: &Vm,
        session: &Session,
        interrupts: &mut Interrupts,
    ) -> Result<u8, Fault> {
        let doing = format!("run a command in {}", vm.name);
        let code = session::run(&vm.link_dir, session, &doing, interrupts).await;
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
