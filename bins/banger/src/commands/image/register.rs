//! `banger image register`.

use std::path::PathBuf;

use api::client::Upload;
use model::ImageName;

use super::make::{check_file, make};
use crate::{daemon::Context, fault::Fault};

/// Register a root file system (a tar or an ext4 file) as an image under a name
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger image register mine ./rootfs.ext4")]
pub(crate) struct Register {
    /// The image's name
    name: ImageName,
    /// The tar (it may be compressed) or ext4 file; it is copied, and may go afterwards
    file: PathBuf,
}

impl Register {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("register image {}", self.name);
        check_file(&self.file, &doing)?;
        let client = context.daemon(&doing).await?;
        let begun = client.image_import(&self.name, Upload::file(self.file.clone())).await;
        make(context, &client, &doing, begun).await
    }
}
