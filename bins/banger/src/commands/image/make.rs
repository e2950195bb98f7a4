//! Waiting for an image, and files that one can be made of.

use std::{fs, path::Path};

use api::{
    Accepted, Outcome,
    client::{Client, ClientError},
};
use model::Class;

use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Explain as _, Fault},
    follow::{OnSignal, Operation, Progress},
    interrupt::Interrupts,
};

/// Waits for the operation that makes an image, and says which it made.
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
        Outcome::Image(image) => {
            context.screen.show("image", &image, || format!("{}\n", image.name));
            Ok(exit::DONE)
        }
        _ => Err(Fault::new(Class::Bug, format!("{doing}: it ended without an image"))),
    }
}

/// Refuses a file that nothing can be made of, before anybody is asked.
pub(super) fn check_file(path: &Path, doing: &str) -> Result<(), Fault> {
    let refuse = |why: &str| Err(Fault::usage(format!("{doing}: {} {why}", path.display())));
    match fs::metadata(path) {
        Err(error) => {
            let fault = error.explain(&format!("{doing}: {}", path.display()));
            Err(Fault { class: Class::Usage, ..fault })
        }
        Ok(metadata) if metadata.is_dir() => refuse("is a directory"),
        Ok(metadata) if !metadata.is_file() => refuse("is not a file"),
        Ok(metadata) if metadata.len() == 0 => refuse("is empty"),
        Ok(_) => fs::File::open(path).map(|_| ()).doing(&format!("{doing}: {}", path.display())),
    }
}
