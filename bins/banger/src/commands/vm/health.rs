//! `banger vm health`.

use api::VmHealth;
use model::Class;
use serde_json::json;

use super::many::Machines;
use crate::{
    commands::each::Told,
    daemon::Context,
    fault::{Doing as _, Fault},
};

/// Say whether machines answer; exits with 1 if one does not
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  banger vm health box")]
pub(crate) struct Health {
    #[command(flatten)]
    machines: Machines,
}

impl Health {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        check(&self.machines, context, "ask after machines", |health| {
            let boot = health.boot_id.as_ref().map(|boot| format!(", boot {boot}")).unwrap_or_default();
            format!("{}: healthy{boot}", health.name)
        })
        .await
    }
}

/// Asks each machine for an answer; one that does not answer is a failure.
pub(super) async fn check(
    machines: &Machines,
    context: &Context,
    doing: &str,
    text: fn(&VmHealth) -> String,
) -> Result<u8, Fault> {
    let client = &context.daemon(doing).await?;
    machines
        .each(context, client, doing, |vm, _| {
            Box::pin(async move {
                let doing = format!("ask {}", vm.name);
                let health = client.vm_health(vm.id.as_str()).await.doing(&doing)?;
                if health.healthy {
                    return Ok(Told { what: "health", text: text(&health), object: json!(health) });
                }
                let why = health.why.unwrap_or_else(|| "it does not answer".to_owned());
                Err(Fault::new(Class::Failed, format!("{doing}: {why}"))
                    .hint(format!("`banger vm logs {}` shows its console.", vm.name)))
            })
        })
        .await
}
