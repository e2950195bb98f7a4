//! `sudo banger update --repair`: the installed release, fetched anew.

use host::systemd::Systemd;
use install::services;
use serde_json::json;
use updater::{
    Told as _, authorise,
    discover::{Source, discover},
    record::lock,
};

use super::{
    check::installed,
    install::{record, staged},
    step::{found, places, told},
};
use crate::{commands::system::need_root, daemon::Context, exit, fault::Fault};

pub(super) async fn run(context: &Context, source: Source) -> Result<u8, Fault> {
    need_root("repair", "update --repair")?;
    let places = places();
    record(&places)?;
    let _lock = lock::take(&places.lock(), "authorise").map_err(told)?;
    authorise::refuse_unfinished(&places).map_err(told)?;
    let version = installed(&places)?;
    let release = {
        let (source, version) = (source.clone(), version.clone());
        found(move || discover(&source, Some(&version))).await?
    };
    staged(context, places, source, release).await?;
    // The same release, whole again: there is nothing to go back to, and nothing to try.
    let systemd = Systemd::connect().await.map_err(|error| told(error.at("restart")))?;
    services::restart(&systemd).await.map_err(|error| told(error.at("restart")))?;
    let object = json!({ "status": "repaired", "installed": version });
    context.screen.show("update", object, || format!("repaired: {version}\n"));
    Ok(exit::DONE)
}
