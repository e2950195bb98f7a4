//! What is typed.

use std::path::PathBuf;

use super::{by_name, man_pages, proxy, release_files, user_install};
use crate::{
    daemon::{Context, start_daemon},
    exit,
    fault::Fault,
};

/// Commands that only banger itself gives
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Internal {
    /// Carry ssh's bytes to a machine: the `ProxyCommand` of `vm ssh`
    Proxy {
        /// The machine's directory
        dir: PathBuf,
    },
    /// Carry ssh's bytes to the machine of a name: the `ProxyCommand` of `ssh-config`
    SshProxy {
        /// `NAME.vm`
        host: String,
    },
    /// Print the host key of the machine of a name: the `KnownHostsCommand` of `ssh-config`
    KnownHosts {
        /// `NAME.vm`
        host: String,
    },
    /// Write the manual's pages, one for each command: `make install` puts them where man looks
    ManPages {
        /// The directory, which is made where it is not there
        dir: PathBuf,
    },
    /// Write what this release makes of this host into its directory: its units
    ReleaseFiles {
        /// The directory, which may have another name than it will have
        dir: PathBuf,
    },
    /// Start the user's own daemon of the current release, also while an update is declared: its driver asks for it
    StartDaemon,
    /// Install this release for the user who runs this alone: what `install.sh --user` ends with
    UserInstall,
}

impl Internal {
    /// Does what was asked. `tree` makes the command tree.
    pub(crate) async fn run(self, context: &Context, tree: fn() -> clap::Command) -> Result<u8, Fault> {
        match self {
            Self::Proxy { dir } => proxy::run(dir).await,
            Self::SshProxy { host } => by_name::proxy(context, &host).await,
            Self::KnownHosts { host } => by_name::known_hosts(context, &host).await,
            Self::ManPages { dir } => man_pages::run(tree(), &dir),
            Self::ReleaseFiles { dir } => release_files::run(&dir),
            Self::StartDaemon => start_daemon("start the daemon").await.map(|()| exit::DONE),
            Self::UserInstall => user_install::run(),
        }
    }
}
