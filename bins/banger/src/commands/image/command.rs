//! The commands under `banger image`.

use super::{build, cache, delete, import, list, promote, register, show};
use crate::{daemon::Context, fault::Fault};

/// Images: what machines begin as
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Image {
    List(list::List),
    Show(show::Show),
    Build(build::Build),
    Import(import::Import),
    Register(register::Register),
    Promote(promote::Promote),
    Delete(delete::Delete),
    /// What building images keeps for the next time
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true)]
    Cache(cache::Cache),
}

impl Image {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, Fault> {
        match self {
            Self::List(list) => list.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::Build(build) => build.run(context).await,
            Self::Import(import) => import.run(context).await,
            Self::Register(register) => register.run(context).await,
            Self::Promote(promote) => promote.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
            Self::Cache(cache) => cache.run(context).await,
        }
    }
}
