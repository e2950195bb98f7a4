//! `banger image cache`.

use api::Pruned;

use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::bytes,
};

/// What building images keeps for the next time
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Cache {
    Prune(Prune),
}

/// Take away what no image, kernel or machine needs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger image cache prune --dry-run\n  banger image cache prune")]
pub(crate) struct Prune {
    /// Say only what it would be
    #[arg(long)]
    dry_run: bool,
}

impl Cache {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let Self::Prune(Prune { dry_run }) = *self;
        let doing = "prune the cache";
        let client = context.daemon(doing).await?;
        let pruned = client.images_prune(dry_run).await.doing(doing)?;
        context.screen.show("pruned", &pruned, || text(&pruned, dry_run));
        Ok(exit::DONE)
    }
}

fn text(pruned: &Pruned, dry_run: bool) -> String {
    let mut lines = pruned.removed.clone();
    let verb = if dry_run { "would free" } else { "freed" };
    lines.push(format!("{verb} {}\n", bytes(pruned.freed_bytes)));
    lines.join("\n")
}
