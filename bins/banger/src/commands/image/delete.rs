//! `banger image delete`.

use clap_complete::ArgValueCompleter;
use model::ImageName;
use serde_json::json;

use crate::{
    commands::{completion, each},
    daemon::Context,
    fault::{Doing as _, Fault},
};

/// Delete images that no machine uses
#[derive(Debug, clap::Args)]
#[command(visible_alias = "rm", after_help = "Examples:\n  banger image delete tiny")]
pub(crate) struct Delete {
    /// The images
    #[arg(value_name = "IMAGE", required = true, add = ArgValueCompleter::new(completion::images))]
    images: Vec<ImageName>,
}

impl Delete {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let client = &context.daemon("delete images").await?;
        each::in_order(context, &self.images, async |name| {
            let doing = format!("delete image {name}");
            client.image_delete(name).await.doing(&doing)?;
            Ok(each::Told { what: "image", object: json!({ "name": name }), text: format!("deleted {name}") })
        })
        .await
    }
}
