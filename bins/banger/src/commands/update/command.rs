//! What is typed.

use std::path::PathBuf;

use updater::discover::Source;

use super::{check, drive, install, repair, step::told};
use crate::{daemon::Context, fault::Fault};

/// Update banger to another release; machines run on, and a bad one goes back
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger update --check                says whether there is a newer release\n  \
    banger update                        to the latest stable release\n  \
    banger update --to v1.2.3            to that one, newer or older\n  \
    banger update --dry-run              fetches, verifies and checks it, and changes nothing\n  \
    banger update --rollback             back to the release before\n  \
    banger update --repair               fetches the installed release anew\n  \
    banger update --resume               takes up an update that was interrupted\n\n\
    A system install is updated by root: sudo banger update.")]
#[expect(clippy::struct_excessive_bools, reason = "flags, as they are typed")]
pub(crate) struct Update {
    #[command(flatten)]
    wanted: install::Wanted,
    /// Only say whether there is an update
    #[arg(long, group = "what")]
    check: bool,
    /// Fetch the installed release anew and put its files in place
    #[arg(long, group = "what", conflicts_with = "to")]
    repair: bool,
    /// Take up an update that was interrupted
    #[arg(long, group = "what", conflicts_with = "to")]
    resume: bool,
    /// Be the driver of the update that was prepared
    #[arg(long, group = "what", hide = true)]
    drive: bool,
    /// Touch no service: the boot starts them next
    #[arg(long, requires = "resume", hide = true)]
    before_services: bool,
    /// Where the manifest is
    #[arg(long, value_name = "URL", hide = true)]
    manifest_url: Option<String>,
    /// Whose signature counts
    #[arg(long, value_name = "FILE", hide = true)]
    pubkey_file: Option<PathBuf>,
}

impl Update {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        if self.drive {
            return drive::drive(context).await;
        }
        if self.resume {
            return drive::resume(context, self.before_services).await;
        }
        let source = Source::read(self.manifest_url.as_deref(), self.pubkey_file.as_deref()).map_err(told)?;
        if self.check {
            return check::run(context, source, self.wanted.to.clone()).await;
        }
        if self.repair {
            return repair::run(context, source).await;
        }
        install::run(&self.wanted, context, source).await
    }
}
