//! Deleting a machine that was only for one command.

use api::{Vm, client::Client};

use crate::{
    daemon::Context,
    fault::{Doing as _, Fault},
    follow::{OnSignal, Operation, Progress, Stopped},
    interrupt::Interrupts,
};

/// How often it is tried where the daemon is restarted in the middle.
const TRIES_MAX: u32 = 3;

/// Deletes the machine, whatever happens to the daemon meanwhile.
pub(super) async fn remove(
    context: &Context,
    client: &Client,
    vm: &Vm,
    interrupts: &mut Interrupts,
) -> Result<(), Fault> {
    let doing = format!("delete {}", vm.name);
    let operation = Operation { context, client, doing: &doing, on_signal: OnSignal::Finish };
    let progress = Progress::new(context.screen);
    let mut tries = 0;
    loop {
        tries += 1;
        context.daemon_again(client, &doing).await?;
        let accepted = match client.vm_delete(vm.id.as_str()).await {
            Err(error) if error.is_not_found() => return Ok(()),
            accepted => accepted.doing(&doing)?,
        };
        match operation.wait(accepted, &mut progress.quiet_line(), interrupts).await {
            Ok(_) => return Ok(()),
            Err(Stopped::Forgotten(_)) if tries < TRIES_MAX => {}
            Err(stopped) => return Err(stopped.into()),
        }
    }
}
