//! `banger vm ports`.

use std::net::IpAddr;

use api::Vm;
use guest::{Listener, client::Connection};
use serde_json::json;

use super::{many::Machine, running::running};
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::Table,
};

/// List who listens in a machine, on what, and where that is reached
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm ports box")]
pub(crate) struct Ports {
    #[command(flatten)]
    machine: Machine,
}

impl Ports {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("list the ports of {}", self.machine.machine);
        let client = context.daemon(&doing).await?;
        let vm = running(context, &client, &self.machine.machine, &doing).await?;
        let mut listeners = Connection::in_dir(&vm.link_dir).ports().await.doing(&doing)?;
        listeners.sort_by(|a, b| (a.port, &a.address).cmp(&(b.port, &b.address)));
        let objects: Vec<_> = listeners
            .iter()
            .map(|listener| {
                json!({
                    "port": listener.port, "address": listener.address, "process": listener.process,
                    "reached_at": published(&vm, listener).or(address(&vm, listener)),
                })
            })
            .collect();
        context.screen.show("ports", objects, || text(&vm, &listeners));
        Ok(exit::DONE)
    }
}

fn text(vm: &Vm, listeners: &[Listener]) -> String {
    let mut table = Table::new(&["PORT", "LISTENS ON", "PROCESS", "REACHED AT"]);
    for listener in listeners {
        table.row([
            listener.port.to_string(),
            listener.address.clone(),
            listener.process.clone().unwrap_or_else(|| "-".to_owned()),
            reached_at(vm, listener),
        ]);
    }
    table.to_string()
}

fn reached_at(vm: &Vm, listener: &Listener) -> String {
    let direct = published(vm, listener).or_else(|| address(vm, listener));
    direct.unwrap_or_else(|| {
        format!("banger vm ssh {} -- -NL {port}:127.0.0.1:{port}", vm.name, port = listener.port)
    })
}

/// The published port that leads to it.
fn published(vm: &Vm, listener: &Listener) -> Option<String> {
    let leads_here = vm.published.iter().find(|publish| publish.guest == listener.port);
    leads_here.and_then(|publish| publish.host).map(|host| format!("127.0.0.1:{host}"))
}

/// The machine's own address, where it has one that this host reaches and the process listens there.
fn address(vm: &Vm, listener: &Listener) -> Option<String> {
    let is_loopback = listener.address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let address = vm.address.as_ref().filter(|_| !is_loopback)?;
    Some(format!("{address}:{}", listener.port))
}
