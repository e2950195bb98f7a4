//! `sudo banger update --repair`: the installed release, fetched anew.

use serde_json::json;
use tokio::runtime::Handle;
use updater::{
    Told as _, authorise,
    discover::{Source, discover},
    driver,
    record::lock,
};

use super::{
    check::installed,
    install::{record, staged},
    step::{found, need_rights, places, told},
};
use crate::{daemon::Context, exit, fault::Fault};

pub(super) async fn run(context: &Context, source: Source) -> Result<u8, Fault> {
    let places = places("authorise")?;
    need_rights(&places, "repair", "update --repair")?;
    places.refuse_another_copy("authorise").map_err(told)?;
    record(&places)?;
    places.ensure().map_err(|error| told(error.at("authorise")))?;
    let _lock = lock::take(&places.lock(), "authorise").map_err(told)?;
    authorise::refuse_unfinished(&places).map_err(told)?;
    let version = installed(&places)?;
    let release = {
        let (source, version) = (source.clone(), version.clone());
        found(move || discover(&source, Some(&version))).await?
    };
    staged(context, places.clone(), source, release).await?;
    // The same release, whole again: there is nothing to go back to, and nothing to try.
    let runtime = Handle::current();
    found(move || driver::restart(&places, &runtime)).await?;
    let object = json!({ "status": "repaired", "installed": version });
    context.screen.show("update", object, || format!("repaired: {version}\n"));
    Ok(exit::DONE)
}
