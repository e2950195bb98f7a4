//! `banger daemon`: none of these starts it.

use std::time::Duration;

use api::client::ClientError;
use host::{
    dirs::Mode,
    process::{Process, ProcessError},
    systemd::Systemd,
};
use install::services;
use jiff::Timestamp;
use model::Class;
use serde_json::json;

use super::system::need_root;
use crate::{
    daemon::{Context, daemon_as_it_is, mode},
    exit,
    fault::{Doing as _, Explain, Fault, chain},
    text::{Table, ago},
};

/// The daemon, which the other commands start by themselves
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Daemon {
    Status(Status),
    Socket(Socket),
    Stop(Stop),
}

/// Say whether the daemon runs; exits with 5 if it does not
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger daemon status\n  banger daemon status --json")]
pub(crate) struct Status {}

/// Print the path of the daemon's socket
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  curl --unix-socket \"$(banger daemon socket)\" http://banger/v1/vms")]
pub(crate) struct Socket {}

/// End the daemon; machines run on, and the next command starts it again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger daemon stop")]
pub(crate) struct Stop {}

/// How long a daemon may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(20);

impl Daemon {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, Fault> {
        match self {
            Self::Status(status) => status.run(context).await,
            Self::Socket(Socket {}) => socket(context),
            Self::Stop(stop) => stop.run(context).await,
        }
    }
}

impl Status {
    async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "ask the daemon about itself";
        let client = daemon_as_it_is(doing)?;
        let socket = client.socket().to_owned();
        let info = match client.info().await {
            Ok(info) => info,
            Err(ClientError::Unreachable { .. }) => {
                let object = json!({ "running": false, "socket": socket });
                context.screen.show("daemon", object, || format!("not running  {}\n", socket.display()));
                return Ok(Class::Unreachable.exit_code());
            }
            Err(error) => return Err(error.explain(doing)),
        };
        context.tell_of_version(&client);
        let operations = client.operations().await.doing(doing)?;
        let in_flight: Vec<_> = operations.iter().filter(|operation| !operation.done).collect();
        let object = json!({
            "running": true, "mode": info.mode, "socket": socket, "pid": info.pid, "version": info.version,
            "started_at": info.started_at, "ready_at": info.ready_at, "operations": in_flight,
        });
        context.screen.show("daemon", object, || {
            let now = Timestamp::now();
            let mut table = Table::pairs();
            table.row(["mode".to_owned(), info.mode.clone()]);
            table.row(["running".to_owned(), format!("process {}, {}", info.pid, info.version)]);
            table.row(["since".to_owned(), ago(info.started_at, now)]);
            table.row(["socket".to_owned(), socket.display().to_string()]);
            table.row(["machines".to_owned(), format!("{}, of which {} run", info.vms, info.vms_running)]);
            for operation in &in_flight {
                let stage = operation.stage.clone().unwrap_or_default();
                table.row([operation.op.to_string(), format!("{} {stage}", operation.target)]);
            }
            table.to_string()
        });
        Ok(exit::DONE)
    }
}

fn socket(context: &Context) -> Result<u8, Fault> {
    let client = daemon_as_it_is("find the daemon's socket")?;
    context.screen.show("socket", client.socket(), || format!("{}\n", client.socket().display()));
    Ok(exit::DONE)
}

impl Stop {
    async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "stop the daemon";
        if let Mode::System { .. } = mode(doing)? {
            return stop_of_system(context, doing).await;
        }
        let client = daemon_as_it_is(doing)?;
        let pid = match client.info().await {
            Err(ClientError::Unreachable { .. }) => {
                context.screen.note("the daemon does not run");
                return Ok(exit::DONE);
            }
            info => info.doing(doing)?.pid,
        };
        // Held before it is told, so that no other process of the same number is waited for.
        let process = Process::open(pid).doing(doing)?;
        client.shutdown().await.doing(doing)?;
        if let Some(process) = process
            && process.ended_within(STOP_LIMIT).await.doing(doing)?.is_none()
        {
            let why = format!("{doing}: process {pid} still runs after {} s", STOP_LIMIT.as_secs());
            return Err(Fault::new(Class::Failed, why));
        }
        context.screen.note("the daemon has ended; machines run on");
        Ok(exit::DONE)
    }
}

/// The daemon of a system install is systemd's, which starts it again at the next request.
async fn stop_of_system(context: &Context, doing: &str) -> Result<u8, Fault> {
    need_root(doing, "daemon stop")?;
    let systemd = Systemd::connect().await.doing(doing)?;
    services::stop_daemon(&systemd).await.doing(doing)?;
    context.screen.note("the daemon has ended; machines run on, and the next command starts it again");
    Ok(exit::DONE)
}

impl Explain for ProcessError {
    fn explain(self, doing: &str) -> Fault {
        let fault = Fault::new(self.class(), format!("{doing}: {}", chain(&self)));
        Fault { hint: self.hint(), ..fault }
    }
}
