//! Waiting for a kernel.

use api::{
    Accepted, Outcome,
    client::{Client, ClientError},
};
use model::Class;

use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    follow::{OnSignal, Operation, Progress},
    interrupt::Interrupts,
};

/// Waits for the operation that makes a kernel, and says which it made.
pub(super) async fn make(
    context: &Context,
    client: &Client,
    doing: &str,
    begun: Result<Accepted, ClientError>,
) -> Result<u8, Fault> {
    let accepted = begun.doing(doing)?;
    let mut interrupts = Interrupts::listen().doing(doing)?;
    let operation = Operation { context, client, doing, on_signal: OnSignal::Cancel };
    let progress = Progress::new(context.screen);
    let outcome = operation.wait(accepted, &mut progress.line(""), &mut interrupts).await?;
    match outcome {
        Outcome::Kernel(kernel) => {
            context.screen.show("kernel", &kernel, || format!("{}\n", kernel.name));
            Ok(exit::DONE)
        }
        _ => Err(Fault::new(Class::Bug, format!("{doing}: it ended without a kernel"))),
    }
}
