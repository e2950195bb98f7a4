//! `/v1/images`.

use std::{collections::BTreeSet, sync::Arc};

use api::{Code, Image, ImageBuild, ImagePromote, OperationKind, Outcome, Pruned};
use axum::{
    Json,
    body::Body as Bytes,
    extract::{Path, State},
    http::StatusCode,
};
use image::{Recipe, Reclaimed};
use model::{Digest, ImageName};
use serde::Deserialize;

use super::{
    body::{Asked, Body},
    import::stage,
    reply::{Begun, Refused, Reply, begun},
};
use crate::{
    app::{App, check_room},
    failure::{Explained, failure},
    library::{self, image_view},
    machine,
};

fn named(name: &str) -> Result<ImageName, Refused> {
    name.parse().map_err(|error: model::ParseError| {
        failure(Code::BadRequest, format!("look up an image: {error}")).into()
    })
}

/// `GET /v1/images`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Reply<Json<Vec<Image>>> {
    let images = Arc::clone(&app.library.images);
    let images = library::quick("list the images", move || images.list()).await?;
    Ok(Json(images.into_iter().map(image_view).collect()))
}

/// `GET /v1/images/{name}`.
pub(super) async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Reply<Json<Image>> {
    let name = named(&name)?;
    let images = Arc::clone(&app.library.images);
    let image = library::quick(format!("show image {name}"), move || images.get(&name)).await?;
    Ok(Json(image_view(image)))
}

/// `DELETE /v1/images/{name}`.
pub(super) async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>) -> Reply<StatusCode> {
    let name = named(&name)?;
    let doing = format!("delete image {name}");
    let _change = app.change().await?;
    let _taking = app.library.taking.write().await;
    machine::check_unused(&app, &doing, |vm| vm.image == name)?;
    let images = Arc::clone(&app.library.images);
    library::quick(doing, move || images.delete(&name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/images/build`.
pub(super) async fn build(State(app): State<Arc<App>>, Body(build): Body<ImageBuild>) -> Begun {
    let Some(recipe) = Recipe::find(&build.recipe) else {
        let known: Vec<String> = Recipe::all().into_iter().map(|recipe| recipe.name).collect();
        let message = format!("build image {:?}: there is no such recipe", build.recipe);
        return Err(failure(Code::NotFound, message)
            .hinted(format!("There are: {}.", known.join(", ")))
            .into());
    };
    let name = match build.name {
        Some(name) => name,
        None => named(&recipe.name)?,
    };
    let _change = app.change().await?;
    check_room(app.dirs.state(), &format!("build image {name}"))?;
    let task_app = Arc::clone(&app);
    let target = name.to_string();
    let operation = app.operations.begin(OperationKind::ImageBuild, &target, |operation| async move {
        let _turn = operation.unless_cancelled(async { Ok(task_app.library.making.lock().await) }).await?;
        let image = machine::build_image(&task_app, &operation, recipe.name, name).await?;
        Ok(Outcome::Image(image_view(image)))
    })?;
    Ok(begun(&operation))
}

/// The name of what is imported.
#[derive(Debug, Deserialize)]
pub(super) struct Import {
    name: ImageName,
}

/// `POST /v1/images/import`.
pub(super) async fn import(
    State(app): State<Arc<App>>,
    Asked(Import { name }): Asked<Import>,
    body: Bytes,
) -> Begun {
    // Refused before all of it is sent, and not let in while it is: a sender may be slow.
    drop(app.change().await?);
    let file = stage(app.dirs.cache(), body).await?;
    let _change = app.change().await?;
    let images = Arc::clone(&app.library.images);
    let target = name.to_string();
    let operation = app.operations.begin(OperationKind::ImageImport, &target, |operation| async move {
        let doing = format!("import image {name}");
        let image =
            library::job(&operation, doing, move |job| images.import(&name, file, "import", job)).await?;
        Ok(Outcome::Image(image_view(image)))
    })?;
    Ok(begun(&operation))
}

/// `POST /v1/images/promote`.
pub(super) async fn promote(State(app): State<Arc<App>>, Body(promote): Body<ImagePromote>) -> Begun {
    let _change = app.change().await?;
    let vm = app.owner.snapshot().find(&promote.vm)?.clone();
    let operation = machine::promote(&app, &vm, promote.name)?;
    Ok(begun(&operation))
}

/// How much goes.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Prune {
    /// Only say what would.
    #[serde(default)]
    dry_run: bool,
    /// Also images that their recipes make again.
    #[serde(default)]
    all: bool,
}

/// `POST /v1/images/prune`.
pub(super) async fn prune(
    State(app): State<Arc<App>>,
    Asked(Prune { dry_run, all }): Asked<Prune>,
) -> Reply<Json<Pruned>> {
    let _change = app.change().await?;
    let _taking = app.library.taking.write().await;
    let vms = &app.owner.snapshot().vms;
    let kept_images: BTreeSet<Digest> = vms.iter().filter_map(|vm| vm.image_digest).collect();
    let kept_kernels = vms.iter().filter_map(|vm| vm.kernel_digest).collect();
    let (images, kernels) = (Arc::clone(&app.library.images), Arc::clone(&app.library.kernels));
    let pruned = library::quick("prune the images", move || {
        let made_again =
            if all { images.prune_made_again(&kept_images, dry_run)? } else { Reclaimed::default() };
        let images = images.prune(&kept_images, dry_run)?;
        let kernels = kernels.prune(&kept_kernels, dry_run)?;
        Ok::<_, image::Fault>([made_again, images, kernels])
    });
    let pruned = pruned.await?;
    Ok(Json(Pruned {
        freed_bytes: pruned.iter().map(|reclaimed| reclaimed.freed_bytes).sum(),
        removed: pruned.into_iter().flat_map(|reclaimed| reclaimed.removed).collect(),
    }))
}
