//! `banger kernel pull`.

use api::KernelPull;
use model::KernelName;

use super::make::make;
use crate::{daemon::Context, fault::Fault};

/// Take a kernel from the host's package archive, signed by the distribution
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  banger kernel pull\n  banger kernel pull --suite bookworm-backports --name newer"
)]
pub(crate) struct Pull {
    /// The suite to take it from, where it is not the host's own
    #[arg(long, value_parser = suite)]
    suite: Option<String>,
    /// The kernel's name; its release where there is none
    #[arg(long)]
    name: Option<KernelName>,
}

/// A suite becomes part of an address and of a file's name.
fn suite(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins_well && text.len() <= model::NAME_BYTES_MAX && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a suite: it must be like bookworm-backports"))
    }
}

impl Pull {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        let doing = "pull a kernel";
        let client = context.daemon(doing).await?;
        let pull = KernelPull { suite: self.suite.clone(), name: self.name.clone() };
        make(context, &client, doing, client.kernel_pull(&pull).await).await
    }
}
