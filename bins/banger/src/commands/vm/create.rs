//! `banger vm create`.

use std::time::Instant;

use super::{begin::Beginning, fit::Fit};
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    interrupt::Interrupts,
    text::elapsed,
};

/// Make a machine and start it, without connecting
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger vm create --name box\n  \
    banger vm create --name web --memory 4G --publish 8080:80\n  \
    banger vm create --no-start")]
pub(crate) struct Create {
    /// Make it only
    #[arg(long)]
    no_start: bool,
    #[command(flatten)]
    fit: Fit,
}

impl Create {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let (began, doing) = (Instant::now(), "create a machine");
        self.fit.check(doing)?;
        let client = &context.daemon(doing).await?;
        let mut interrupts = Interrupts::listen().doing(doing)?;
        let beginning = Beginning { context, client, fit: &self.fit, start: !self.no_start, doing };
        let vm = beginning.begin(&mut interrupts).await?;
        if !self.no_start {
            context.screen.note(&format!("ready in {}", elapsed(began.elapsed())));
        }
        context.screen.show("vm", &vm, || format!("{}\n", vm.name));
        Ok(exit::DONE)
    }
}
