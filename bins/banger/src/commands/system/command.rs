//! The commands under `banger system`.

use super::{install, restart, status, uninstall};
use crate::{daemon::Context, fault::Fault};

/// The system install: a service for one user of this host
#[derive(Debug, clap::Subcommand)]
pub(crate) enum System {
    Install(install::Install),
    Status(status::Status),
    Restart(restart::Restart),
    Uninstall(uninstall::Uninstall),
}

impl System {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, Fault> {
        match self {
            Self::Install(install) => install.run(context).await,
            Self::Status(status) => status.run(context).await,
            Self::Restart(restart) => restart.run(context).await,
            Self::Uninstall(uninstall) => uninstall.run(context).await,
        }
    }
}
