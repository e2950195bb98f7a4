//! The image and the kernel of a machine: found, or made where the first use makes them.

use std::{path::PathBuf, sync::Arc};

use api::{Code, Failure};
use image::{ImageRecord, KernelRecord, Recipe};
use model::{Digest, ImageName, KernelName};

use crate::{
    app::{App, check_room},
    failure::{Explained, failure},
    library::{self, told},
    operations::Operation,
};

/// What a machine is made from.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    /// The image's file.
    pub(super) image_file: PathBuf,
    /// What the image is.
    pub(super) image_digest: Digest,
    /// The kernel.
    pub(super) kernel: KernelName,
    /// What the kernel is.
    pub(super) kernel_digest: Digest,
    /// The template of its home disk.
    pub(super) home_template: PathBuf,
}

/// Refuses an image that is not there and cannot be made.
pub(super) fn check_image(app: &App, doing: &str, name: &ImageName) -> Result<(), Failure> {
    match app.library.images.get(name) {
        Ok(_) => Ok(()),
        Err(_) if Recipe::find(name.as_str()).is_some() => Ok(()),
        Err(error) => Err(told(doing, &error)),
    }
}

/// Refuses a kernel that is not there.
pub(super) fn check_kernel(app: &App, doing: &str, name: Option<&KernelName>) -> Result<(), Failure> {
    match name.map(|name| app.library.kernels.get(name)) {
        Some(Err(error)) => Err(told(doing, &error)),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// The kernel for machines that name none: the one that the configuration names, else the one that was made
/// last.
///
/// # Errors
///
/// The kernels cannot be read.
pub(crate) fn default_kernel(app: &App) -> Result<Option<KernelName>, Failure> {
    if let Some(name) = app.config.default_kernel() {
        return Ok(Some(name.clone()));
    }
    let kernels = app.library.kernels.list().map_err(|error| told("list the kernels", &error))?;
    Ok(kernels.into_iter().max_by_key(|kernel| kernel.created_at).map(|kernel| kernel.name))
}

/// Finds image and kernel, and makes them where the first use makes them, as stages of `operation`.
///
/// # Errors
///
/// They are not there and cannot be made.
pub(super) async fn prepare(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    image: &ImageName,
    kernel: Option<&KernelName>,
) -> Result<Prepared, Failure> {
    let image = find_image(app, operation, image).await?;
    let kernel = find_kernel(app, operation, kernel).await?;
    let templates = app.library.templates.clone();
    let home_template = library::job(operation, "make the template of home disks", move |job| {
        image::home_template(&templates, job)
    })
    .await?;
    Ok(Prepared {
        image_file: image.disk,
        image_digest: image.digest,
        kernel: kernel.name,
        kernel_digest: kernel.digest,
        home_template,
    })
}

async fn find_image(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    name: &ImageName,
) -> Result<ImageRecord, Failure> {
    let missing = match app.library.images.get(name) {
        Ok(image) => return Ok(image),
        Err(error) => error,
    };
    if Recipe::find(name.as_str()).is_none() {
        return Err(told("find the image", &missing));
    }
    operation.stage(format!("build image {name}"));
    let _turn = operation.unless_cancelled(async { Ok(app.library.making.lock().await) }).await?;
    // Somebody else may have built it while this one waited.
    match app.library.images.get(name) {
        Ok(image) => Ok(image),
        Err(_) => build_image(app, operation, name.to_string(), name.clone()).await,
    }
}

/// Builds an image from a recipe.
///
/// # Errors
///
/// It cannot be built; nothing was changed.
pub(crate) async fn build_image(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    recipe: String,
    name: ImageName,
) -> Result<ImageRecord, Failure> {
    let doing = format!("build image {name}");
    check_room(app.dirs.state(), &doing)?;
    let images = Arc::clone(&app.library.images);
    library::job(operation, doing, move |job| images.build(&recipe, Some(&name), job)).await
}

async fn find_kernel(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    name: Option<&KernelName>,
) -> Result<KernelRecord, Failure> {
    let found =
        |name: &KernelName| app.library.kernels.get(name).map_err(|error| told("find the kernel", &error));
    if let Some(name) = name {
        return found(name);
    }
    if let Some(name) = default_kernel(app)? {
        return found(&name);
    }
    operation.stage("pull the kernel");
    let _turn = operation.unless_cancelled(async { Ok(app.library.making.lock().await) }).await?;
    match default_kernel(app)? {
        Some(name) => found(&name),
        None => pull_kernel(app, operation, None, None).await,
    }
}

/// Pulls a kernel from the host's package archive.
///
/// # Errors
///
/// It cannot be pulled; nothing was changed.
pub(crate) async fn pull_kernel(
    app: &Arc<App>,
    operation: &Arc<Operation>,
    suite: Option<String>,
    name: Option<KernelName>,
) -> Result<KernelRecord, Failure> {
    check_room(app.dirs.state(), "pull the kernel")?;
    let kernels = Arc::clone(&app.library.kernels);
    library::job(operation, "pull the kernel", move |job| kernels.pull(suite.as_deref(), name.as_ref(), job))
        .await
}

/// Refuses to take an image or a kernel away that machines use.
pub(crate) fn check_unused(
    app: &App,
    doing: &str,
    uses: impl Fn(&store::VmRecord) -> bool,
) -> Result<(), Failure> {
    let snapshot = app.owner.snapshot();
    let machines: Vec<&str> =
        snapshot.vms.iter().filter(|vm| uses(vm)).take(5).map(|vm| vm.name.as_str()).collect();
    if machines.is_empty() {
        return Ok(());
    }
    let message = format!("{doing}: it is used by {}", machines.join(", "));
    Err(failure(Code::InUse, message).hinted("Delete those machines first."))
}
