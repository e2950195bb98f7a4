//! What is typed.

use std::path::PathBuf;

use model::Version;
use updater::{UpdateError, discover::Source, places::Places};

use super::{check, drive, install, repair};
use crate::{
    daemon::Context,
    fault::{Explain, Fault},
    text::TimeLimit,
};

/// Update banger to another release; machines run on, and a bad release goes back by itself
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger update --check                says whether there is a newer release\n  \
    sudo banger update                   to the latest stable release\n  \
    sudo banger update --to v1.2.3       to that one, newer or older\n  \
    sudo banger update --dry-run         fetches, verifies and checks it, and changes nothing\n  \
    sudo banger update --rollback        back to the release before\n  \
    sudo banger update --repair          fetches the installed release anew, where its files were changed\n  \
    sudo banger update --resume          takes up an update that was interrupted")]
#[expect(clippy::struct_excessive_bools, reason = "flags, as they are typed")]
pub(crate) struct Update {
    /// Only say whether there is an update
    #[arg(long, group = "what")]
    check: bool,
    /// The release to go to, instead of the latest stable one
    #[arg(long, value_name = "VERSION")]
    pub(super) to: Option<Version>,
    /// Fetch, verify, stage and check the release, and stop there
    #[arg(long, group = "what")]
    pub(super) dry_run: bool,
    /// Cancel operations that are in flight after 5 s; try a release again that went back
    #[arg(long)]
    pub(super) force: bool,
    /// Wait so long for operations that are in flight
    #[arg(long, value_name = "DURATION")]
    pub(super) wait: Option<TimeLimit>,
    /// Fetch the installed release anew and put its files in place
    #[arg(long, group = "what", conflicts_with = "to")]
    repair: bool,
    /// Go back to the release before
    #[arg(long, group = "what", conflicts_with = "to")]
    pub(super) rollback: bool,
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
    /// How long the new release is watched
    #[arg(long, value_name = "SECONDS", hide = true)]
    pub(super) trial_seconds: Option<u32>,
}

impl Explain for UpdateError {
    fn explain(self, _doing: &str) -> Fault {
        let fault = Fault::new(self.class, format!("{}: {}", self.step, self.why));
        Fault { hint: self.hint, ..fault }
    }
}

/// A step's failure, as it is told: the step is what was being done.
pub(super) fn told(error: UpdateError) -> Fault {
    error.explain("update")
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
            return check::run(context, source, self.to.clone()).await;
        }
        if self.repair {
            return repair::run(context, source).await;
        }
        install::run(self, context, source).await
    }
}

/// Where the system install's updates are kept.
pub(super) fn places() -> Places {
    Places::new(host::dirs::SystemPaths::of_this_host())
}
