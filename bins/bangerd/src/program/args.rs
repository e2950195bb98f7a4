//! What may stand on the command line.

use clap::Parser;

/// The owner's daemon of banger. `banger` starts it where it is needed.
#[derive(Clone, Debug, Parser)]
#[command(name = "bangerd", disable_version_flag = true)]
pub(crate) struct Args {
    /// Print the version, the commit and the time of the build
    #[arg(long, hide = true, exclusive = true)]
    pub(crate) version: bool,

    /// Say whether this release can use the database: 0 as it is, 1 after a migration, 2 not
    #[arg(long, hide = true)]
    pub(crate) check_migrations: bool,

    /// Be the daemon of the system install, or mean its database; systemd starts it
    #[arg(long, hide = true)]
    pub(crate) system: bool,
}
