//! What may stand on the command line.

use std::path::PathBuf;

use clap::Parser;

/// The owner's daemon of banger. `banger` starts it where it is needed.
#[derive(Clone, Debug, Parser)]
#[command(name = "bangerd", disable_version_flag = true)]
pub(crate) struct Args {
    /// Print the version, the commit and the time of the build
    #[arg(long, hide = true, exclusive = true)]
    pub(crate) version: bool,

    /// Say whether this release can use the database: 0 as it is, 1 after a migration, 2 not
    #[arg(long, hide = true, group = "job")]
    pub(crate) check_migrations: bool,

    /// Copy the database to a file beside it: 0 copied, 1 there is none, 2 not
    #[arg(long, hide = true, value_name = "TO", group = "job")]
    pub(crate) copy_database: Option<PathBuf>,

    /// Put such a copy in the place of the database: 0 done, 1 there is no such copy, 2 not
    #[arg(long, hide = true, value_name = "FROM", group = "job")]
    pub(crate) restore_database: Option<PathBuf>,

    /// Be the daemon of the system install, or mean its database; systemd starts it
    #[arg(long, hide = true)]
    pub(crate) system: bool,
}
