//! Several machines at once: found in one list, worked on together, told in the order given.

use std::pin::Pin;

use api::{
    Accepted, Vm,
    client::{Client, ClientError},
};
use clap_complete::ArgValueCompleter;
use futures::{StreamExt as _, stream::FuturesOrdered};
use serde_json::json;

use super::sync::put_files;
use crate::{
    commands::{
        completion,
        each::{self, Told},
    },
    daemon::{self, Context, Owners},
    exit,
    fault::{Doing as _, Fault},
    follow::{OnSignal, Operation, Progress},
    interrupt::Interrupts,
};

/// Machines, by name, id, or an unambiguous beginning of either.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Machines {
    /// Machines, by name, id, or an unambiguous beginning of either
    #[arg(value_name = "MACHINE", required = true, add = ArgValueCompleter::new(completion::machines))]
    machines: Vec<String>,
}

/// One machine.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Machine {
    /// The machine, by name, id, or an unambiguous beginning of either
    #[arg(value_name = "MACHINE", add = ArgValueCompleter::new(completion::machines))]
    pub(crate) machine: String,
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<Told, Fault>> + 'a>>;

impl Machines {
    /// Does something with each machine, all at once. Each succeeds or fails alone.
    pub(crate) async fn each<'a>(
        &self,
        context: &'a Context,
        client: &'a Client,
        doing: &'a str,
        work: impl Fn(Vm, &'a str) -> Work<'a>,
    ) -> Result<u8, Fault> {
        let vms = context.vms(client, doing).await?;
        let found = daemon::find_all(&vms, &self.machines, doing);
        let is_alone = found.len() == 1;
        let mut works = FuturesOrdered::new();
        for (given, vm) in found {
            let work = vm.map(|vm| work(vm.clone(), doing));
            works.push_back(async move {
                match work {
                    Ok(work) => (given, work.await),
                    Err(fault) => (given, Err(fault)),
                }
            });
        }
        let mut code = exit::DONE;
        while let Some((given, result)) = works.next().await {
            match result {
                // One alone fails as the whole does.
                Err(fault) if is_alone => return Err(fault),
                result => code = code.max(each::tell(context, &given, result)),
            }
        }
        Ok(code)
    }

    /// Begins an operation for each machine and waits for all.
    pub(crate) async fn operate(
        &self,
        context: &Context,
        verb: Verb<'_>,
        begin: impl AsyncFn(Client, Vm) -> Result<Accepted, ClientError>,
    ) -> Result<u8, Fault> {
        let client = context.daemon(verb.doing).await?;
        let progress = Progress::new(context.screen);
        let is_alone = self.machines.len() == 1;
        let owners = &Owners::read(verb.doing)?;
        let (client, progress, begin) = (&client, &progress, &begin);
        self.each(context, client, verb.doing, |vm, _| {
            Box::pin(async move {
                let label = if is_alone { String::new() } else { vm.name.to_string() };
                let doing = format!("{} {}", verb.now, vm.name);
                let accepted = begin(client.clone(), vm.clone()).await.doing(&doing)?;
                let mut interrupts = Interrupts::listen().doing(&doing)?;
                let operation = Operation { context, client, doing: &doing, on_signal: OnSignal::Cancel };
                let mut line = progress.line(&label);
                let after = operation.wait_for_vm(accepted, &mut line, &mut interrupts).await?;
                if let Some(vm) = after.as_ref().filter(|_| verb.boots) {
                    put_files(context.screen, vm, owners).await;
                }
                let object = after.map_or(json!({ "id": vm.id, "name": vm.name }), |vm| json!(vm));
                Ok(Told { what: "vm", object, text: format!("{} {}", verb.past, vm.name) })
            })
        })
        .await
    }
}

/// How an operation is spoken of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verb<'a> {
    /// `stop`
    pub(crate) now: &'a str,
    /// `stopped`
    pub(crate) past: &'a str,
    /// `stop machines`
    pub(crate) doing: &'a str,
    /// Whether the machine runs afterwards, by a boot of its own.
    pub(crate) boots: bool,
}
