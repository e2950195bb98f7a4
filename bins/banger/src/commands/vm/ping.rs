//! `banger vm ping`.

use super::{health::check, many::Machines};
use crate::{daemon::Context, fault::Fault};

/// Measure how fast machines answer; exits with 1 if one does not
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm ping box")]
pub(crate) struct Ping {
    #[command(flatten)]
    machines: Machines,
}

impl Ping {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        check(&self.machines, context, "ask machines", |health| {
            let micros = health.round_trip_micros.unwrap_or(0);
            format!("{}: {}.{:03} ms", health.name, micros / 1000, micros % 1000)
        })
        .await
    }
}
