//! What `ssh NAME.vm` asks: the way to the machine that has the name now, and its host key.

use std::fs;

use api::{Vm, client::Client};
use model::{Class, VmName};

use super::proxy;
use crate::{
    commands::vm,
    daemon::Context,
    exit,
    fault::{Doing as _, Explain as _, Fault},
    screen::print,
};

/// Carries ssh's bytes to the machine.
pub(super) async fn proxy(context: &Context, host: &str) -> Result<u8, Fault> {
    let doing = format!("log in to {host}");
    let client = context.daemon(&doing).await?;
    let vm = vm::that_runs(named(&client, host, &doing).await?, &doing)?;
    vm::has_sshd(&vm, &doing).await?;
    proxy::run(vm.link_dir).await
}

/// Prints the machine's lines of a `known_hosts`. A machine that was made anew has a new one.
pub(super) async fn known_hosts(context: &Context, host: &str) -> Result<u8, Fault> {
    let doing = format!("look for the host key of {host}");
    let client = context.daemon(&doing).await?;
    let path = named(&client, host, &doing).await?.dir.join("known_hosts");
    print(&fs::read(&path).map_err(|error| error.explain(&format!("{doing}: read {}", path.display())))?);
    Ok(exit::DONE)
}

/// The machine of exactly this name: its key is known by it, and not by the beginning of it.
async fn named(client: &Client, host: &str, doing: &str) -> Result<Vm, Fault> {
    let name: VmName = host.strip_suffix(".vm").unwrap_or(host).parse().doing(doing)?;
    match client.vm(name.as_str()).await {
        Err(error) if error.is_not_found() => {
            Err(Fault::new(Class::Failed, format!("{doing}: no machine is called {name}"))
                .hint("`banger vm list` shows all machines."))
        }
        found => found.doing(doing),
    }
}
