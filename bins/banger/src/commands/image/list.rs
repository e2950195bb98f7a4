//! `banger image list`.

use api::Image;
use jiff::Timestamp;

use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
    text::{Table, ago, bytes},
};

/// List images
#[derive(Debug, clap::Args)]
#[command(visible_alias = "ls", after_help = "Examples:\n  banger image list")]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "list images";
        let client = context.daemon(doing).await?;
        let images = client.images().await.doing(doing)?;
        context.screen.show("images", &images, || text(&images, Timestamp::now()));
        Ok(exit::DONE)
    }
}

fn text(images: &[Image], now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "SIZE", "ON DISK", "AGE", "SOURCE"]);
    for image in images {
        table.row([
            image.name.to_string(),
            bytes(image.size.bytes()),
            bytes(image.disk_used.bytes()),
            ago(image.created_at, now),
            image.source.clone(),
        ]);
    }
    table.to_string()
}
