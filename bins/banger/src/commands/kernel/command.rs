//! The commands under `banger kernel`.

use super::{import, list, pull, remove, show};
use crate::{daemon::Context, fault::Fault};

/// Kernels: what machines boot
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Kernel {
    List(list::List),
    Pull(pull::Pull),
    Import(import::Import),
    Show(show::Show),
    Rm(remove::Remove),
}

impl Kernel {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, Fault> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Pull(pull) => pull.run(context).await,
            Self::Import(import) => import.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Rm(remove) => remove.run(context).await,
        }
    }
}
