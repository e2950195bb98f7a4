//! The commands under `banger vm workspace`.

use super::{export, prepare};
use crate::{daemon::Context, fault::Fault};

/// Repositories in machines
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Workspace {
    Prepare(prepare::Prepare),
    Export(export::Export),
}

impl Workspace {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, Fault> {
        match self {
            Self::Prepare(prepare) => prepare.run(context).await,
            Self::Export(export) => export.run(context).await,
        }
    }
}
