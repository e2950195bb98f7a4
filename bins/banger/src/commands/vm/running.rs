//! A machine that must run.

use api::{Vm, client::Client};
use model::{Class, VmState};

use crate::{daemon::Context, fault::Fault};

/// The one machine that is meant, which must run.
pub(super) async fn running(
    context: &Context,
    client: &Client,
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
