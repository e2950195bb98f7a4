//! `banger image import`.

use std::path::PathBuf;

use api::client::Upload;
use model::ImageName;

use super::make::{check_file, make};
use crate::{daemon::Context, fault::Fault};

/// Make an image of a root file system: a tar or an ext4 file
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger image import rootfs.tar\n  banger image import --name alpine alpine-minirootfs.tar.gz"
)]
pub(crate) struct Import {
    /// The tar (it may be compressed) or ext4 file
    file: PathBuf,
    /// The image's name; the file's, up to its first dot, where there is none
    #[arg(long)]
    name: Option<ImageName>,
}

impl Import {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("import {}", self.file.display());
        check_file(&self.file, &doing)?;
        let name = self.name(&doing)?;
        let client = context.daemon(&doing).await?;
        let begun = client.image_import(&name, Upload::file(self.file.clone())).await;
        make(context, &client, &doing, begun).await
    }

    fn name(&self, doing: &str) -> Result<ImageName, Fault> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let file = self.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = file.split('.').next().unwrap_or_default();
        stem.parse().map_err(|error| {
            Fault::usage(format!("{doing}: the file's own name makes none: {error}"))
                .hint("Give one with --name.")
        })
    }
}
