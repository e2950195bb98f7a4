//! `banger image cache`.

use api::Pruned;

use crate::{
    commands::ask::Yes,
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::bytes,
};

/// What can be made again
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Cache {
    Prune(Prune),
}

/// Take away what can be made again and nothing uses
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    banger image cache prune --dry-run\n  \
    banger image cache prune -f\n  \
    banger image cache prune --all      images that no machine stands on, too\n\n\
    What goes: images and kernels without a name on which no machine stands, and all but the newest\n\
    initramfs of each kernel. With --all also named images that their recipes build again. What was\n\
    imported, promoted or registered stays.")]
pub(crate) struct Prune {
    /// Say only what it would be
    #[arg(long, conflicts_with = "force")]
    dry_run: bool,
    /// Images that their recipes build again, too, where no machine stands on them
    #[arg(short, long)]
    all: bool,
    /// Do not ask first
    #[arg(short, long)]
    force: bool,
}

const DOING: &str = "prune the cache";

impl Cache {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let Self::Prune(Prune { dry_run, all, force }) = *self;
        let yes = Yes { flag: "-f", is_given: force || dry_run };
        yes.check(context, DOING)?;
        let client = context.daemon(DOING).await?;
        if !yes.is_given {
            let would = client.images_prune(true, all).await.doing(DOING)?;
            let question = format!("{}\ntake that away?", lines(&would, "would free"));
            if !would.removed.is_empty() && !yes.ask(context, &question, DOING)? {
                context.screen.note("nothing was taken away");
                return Ok(exit::DONE);
            }
        }
        let pruned = client.images_prune(dry_run, all).await.doing(DOING)?;
        let verb = if dry_run { "would free" } else { "freed" };
        context.screen.show("pruned", &pruned, || format!("{}\n", lines(&pruned, verb)));
        Ok(exit::DONE)
    }
}

fn lines(pruned: &Pruned, verb: &str) -> String {
    let mut lines = pruned.removed.clone();
    lines.push(format!("{verb} {}", bytes(pruned.freed_bytes)));
    lines.join("\n")
}
