//! `banger system uninstall`.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use api::client::{Client, ClientError};
use built::{COMMIT, VERSION};
use futures::future::join_all;
use host::{dirs::SystemPaths, net, systemd::Systemd};
use install::{
    services::{self, MachineUnit},
    undo::{self, Purge},
};
use jiff::Timestamp;
use model::{Class, InstallRecord, OpId, VmState};
use serde_json::json;

use super::{
    rights::{need_root, no_update_meanwhile, systemd},
    status::plan_of,
};
use crate::{
    commands::ask::Yes,
    daemon::{Context, daemon_as_it_is},
    exit,
    fault::{Doing as _, Fault},
    follow::{OnSignal, Operation, Progress},
    interrupt::Interrupts,
};

/// Remove the system install; machines are stopped, and kept unless purged
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    sudo banger system uninstall\n  \
    sudo banger system uninstall --purge     machines, images, kernels and configuration go too")]
pub(crate) struct Uninstall {
    /// Remove machines, images, kernels and configuration as well
    #[arg(long)]
    purge: bool,
    /// Do not ask first
    #[arg(long)]
    yes: bool,
}

const DOING: &str = "remove the system install";
/// The bridge where no file says otherwise.
const BRIDGE_DEFAULT: &str = "banger0";

impl Uninstall {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        need_root(DOING, if self.purge { "system uninstall --purge" } else { "system uninstall" })?;
        let purge = if self.purge { Purge::Yes } else { Purge::No };
        let plan = plan_of(record()?);
        let list = undo::list(&plan, purge).doing(DOING)?;
        if list.is_empty() {
            context.screen.note("nothing is installed");
            return Ok(exit::DONE);
        }
        let systemd = match systemd(DOING).await {
            // Nothing of ours runs where systemd does not.
            Err(_) if !Path::new("/run/systemd/system").exists() => None,
            systemd => systemd?,
        };
        let machines = match &systemd {
            Some(systemd) => services::machines(systemd).await.doing(DOING)?,
            None => vec![],
        };
        let names: Vec<&str> = machines.iter().map(|machine| machine.name.as_str()).collect();
        let object = json!({ "paths": list, "machines": names, "purge": self.purge });
        context.screen.show("removal", object, || text(&list, &machines));
        if !(Yes { flag: "--yes", is_given: self.yes }).ask(context, "Go on?", DOING)? {
            context.screen.note("nothing was removed");
            return Ok(exit::DONE);
        }
        let _held = no_update_meanwhile(DOING)?;
        if let Some(systemd) = &systemd {
            take_down(context, systemd, &machines).await?;
        }
        undo::all(&plan, purge).map_err(|errors| all_of(&errors))?;
        if let Some(systemd) = &systemd {
            services::forget(systemd).await.doing(DOING)?;
        }
        context.screen.show("uninstalled", json!({ "purge": self.purge }), || {
            "the system install is removed\n".to_owned()
        });
        Ok(exit::DONE)
    }
}

/// Whose install it is; where its record is gone or broken, that does not keep the rest from being removed.
fn record() -> Result<InstallRecord, Fault> {
    if let Ok(Some(record)) = SystemPaths::of_this_host().read_record() {
        return Ok(record);
    }
    Ok(InstallRecord {
        owner_user: "nobody".to_owned(),
        owner_uid: 0,
        owner_gid: 0,
        owner_home: "/".into(),
        version: VERSION.parse().doing(DOING)?,
        commit: COMMIT.to_owned(),
        built_at: Timestamp::UNIX_EPOCH,
        installed_at: Timestamp::UNIX_EPOCH,
    })
}

fn text(list: &[PathBuf], machines: &[MachineUnit]) -> String {
    let mut text = String::new();
    if !machines.is_empty() {
        text.push_str("Stopped are:\n");
    }
    for machine in machines {
        writeln!(text, "  {}  {}", machine.name, machine.description).ok();
    }
    text.push_str("Removed are:\n");
    for path in list {
        writeln!(text, "  {}", path.display()).ok();
    }
    text
}

/// Stops machines, then services. Machines are asked through the daemon, which records that they were stopped;
/// systemd asks those that are left.
async fn take_down(context: &Context, systemd: &Systemd, machines: &[MachineUnit]) -> Result<(), Fault> {
    if !machines.is_empty()
        && let Err(fault) = stop_through_daemon(context).await
    {
        context.screen.warn(&format!("{}; systemd stops the machines", fault.message));
    }
    services::stop_machines(systemd).await.doing(DOING)?;
    context.screen.note("no machine runs any more");
    // The daemon asks for leases, and would ask for others.
    services::close_daemon(systemd).await.doing(DOING)?;
    let bridge = release_all(context).await?;
    services::stop_services(systemd).await.doing(DOING)?;
    context.screen.note("the services have ended");
    // With no helper left to put it back.
    let bridge = bridge.parse().doing(DOING)?;
    for warning in net::remove(&bridge, &net::Places::of_the_host()).await.warnings {
        context.screen.warn(&crate::fault::chain(&warning));
    }
    Ok(())
}

/// Has the helper take back every lease. Returns the name of the bridge, as far as it is known.
async fn release_all(context: &Context) -> Result<String, Fault> {
    let paths = SystemPaths::of_this_host();
    let helper = privileged::client::Client::new(paths.root_runtime().join(paths.root_socket_name()));
    let mut chance = [0; 6];
    getrandom::fill(&mut chance).map_err(|error| Fault::new(Class::Failed, format!("{DOING}: {error}")))?;
    let op = OpId::from_random(chance);
    let hello = helper.hello(&op).await;
    if let Err(error) = helper.sweep(&op, vec![]).await {
        let why = crate::fault::chain(&error);
        context
            .screen
            .warn(&format!("{why}; what machines had of the network is taken away without the helper"));
    }
    Ok(hello.map_or_else(|_| BRIDGE_DEFAULT.to_owned(), |hello| hello.bridge.to_string()))
}

async fn stop_through_daemon(context: &Context) -> Result<(), Fault> {
    let client = daemon_as_it_is(DOING)?;
    let vms = client.vms().await.doing(DOING)?;
    let running = vms.iter().filter(|vm| matches!(vm.state, VmState::Running | VmState::Starting));
    let progress = Progress::new(context.screen);
    let stops = running.map(async |vm| {
        let doing = format!("stop {}", vm.name);
        let accepted = match client.vm_stop(vm.id.as_str()).await {
            // It ended by itself meanwhile.
            Err(ClientError::Refused { .. }) => return Ok(()),
            accepted => accepted.doing(&doing)?,
        };
        wait(context, &client, accepted, &progress, &doing).await
    });
    join_all(stops).await.into_iter().collect()
}

async fn wait(
    context: &Context,
    client: &Client,
    accepted: api::Accepted,
    progress: &Progress,
    doing: &str,
) -> Result<(), Fault> {
    let mut interrupts = Interrupts::listen().doing(doing)?;
    let operation = Operation { context, client, doing, on_signal: OnSignal::Cancel };
    operation.wait(accepted, &mut progress.line(doing), &mut interrupts).await?;
    Ok(())
}

/// Several failures in one.
fn all_of(errors: &[install::InstallError]) -> Fault {
    let told: Vec<String> = errors.iter().map(|error| crate::fault::chain(error)).collect();
    Fault::new(Class::Failed, format!("{DOING}: {}", told.join("; "))).hint("Run it again: it is safe to.")
}
