//! `banger system restart`.

use install::services;
use model::Class;
use serde_json::json;

use super::rights::{need_root, systemd};
use crate::{
    daemon::Context,
    exit,
    fault::{Doing as _, Fault},
};

/// Restart the services; machines run on, and requests wait
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  sudo banger system restart")]
pub(crate) struct Restart {}

const DOING: &str = "restart the services";

impl Restart {
    pub(crate) async fn run(&self, context: &Context) -> Result<u8, Fault> {
        need_root(DOING, "system restart")?;
        super::status::need_install(DOING)?;
        let Some(systemd) = systemd(DOING).await? else {
            return Err(Fault::new(Class::Refused, format!("{DOING}: nothing runs below another root")));
        };
        let before = services::machines(&systemd).await.doing(DOING)?;
        services::restart(&systemd).await.doing(DOING)?;
        let after = services::machines(&systemd).await.doing(DOING)?;
        let lost: Vec<&str> =
            before.iter().filter(|it| !after.contains(it)).map(|it| it.name.as_str()).collect();
        let object = json!({ "machines": after.len(), "machines_before": before.len(), "lost": lost });
        context
            .screen
            .show("restarted", object, || format!("both services are ready; {} machines run\n", after.len()));
        if lost.is_empty() {
            return Ok(exit::DONE);
        }
        let why = format!("{DOING}: these machines are not what they were before: {}", lost.join(", "));
        Err(Fault::new(Class::Failed, why).hint("A machine may have ended by itself; `banger vm list` says."))
    }
}
