//! `banger image build`.

use api::ImageBuild;
use model::ImageName;

use super::make::make;
use crate::{daemon::Context, fault::Fault};

/// Build an image from the distribution's signed archive
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger image build debian-bookworm\n  banger image build debian-small --name tiny"
)]
pub(crate) struct Build {
    /// The recipe: debian-bookworm (what a developer needs), debian-small (no more than boots)
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    recipe: String,
    /// The image's name; the recipe's where there is none
    #[arg(long)]
    name: Option<ImageName>,
}

impl Build {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = format!("build image {}", self.recipe);
        let client = context.daemon(&doing).await?;
        let build = ImageBuild { recipe: self.recipe.clone(), name: self.name.clone() };
        make(context, &client, &doing, client.image_build(&build).await).await
    }
}
