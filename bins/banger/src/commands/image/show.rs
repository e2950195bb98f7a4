//! `banger image show`.

use clap_complete::ArgValueCompleter;
use model::ImageName;

use crate::{
    commands::completion,
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::{Table, bytes},
};

/// Show all there is to know about an image
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger image show debian-bookworm")]
pub(crate) struct Show {
    /// The image
    #[arg(add = ArgValueCompleter::new(completion::images))]
    image: ImageName,
}

impl Show {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("show image {}", self.image);
        let client = context.daemon(&doing).await?;
        let image = client.image(&self.image).await.doing(&doing)?;
        context.screen.show("image", &image, || {
            let mut table = Table::pairs();
            table.row(["name".to_owned(), image.name.to_string()]);
            table.row(["digest".to_owned(), image.digest.to_string()]);
            table.row(["size".to_owned(), bytes(image.size.bytes())]);
            table.row(["on disk".to_owned(), bytes(image.disk_used.bytes())]);
            table.row(["created".to_owned(), image.created_at.to_string()]);
            table.row(["source".to_owned(), image.source.clone()]);
            table.to_string()
        });
        Ok(exit::DONE)
    }
}
