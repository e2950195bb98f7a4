//! `promote`: an image is made of a machine's root disk.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use api::{Code, Failure, OperationKind, Outcome};
use model::ImageName;
use store::VmRecord;
use vm::{admission::Request, layout};

use super::admit;
use crate::{
    app::App,
    failure::{Explained, failure},
    library::{self, image_view},
    operations::Operation,
};

/// Begins to make an image of a stopped machine's root disk.
///
/// # Errors
///
/// The refusal; nothing was begun.
pub(crate) fn promote(app: &Arc<App>, vm: &VmRecord, name: ImageName) -> Result<Arc<Operation>, Failure> {
    let kind = OperationKind::ImagePromote;
    admit::begin(app, vm, Request::Promote, kind, |app, operation, vm| async move {
        let doing = format!("promote machine {} to image {name}", vm.name);
        let disk = root_disk(&app.dirs.vm(&vm.id), &doing)?;
        let images = Arc::clone(&app.library.images);
        let source = format!("machine {}", vm.name);
        let image =
            library::job(&operation, doing, move |job| images.promote(&name, &disk, &source, job)).await?;
        Ok(Outcome::Image(image_view(image)))
    })
}

fn root_disk(dir: &Path, doing: &str) -> Result<PathBuf, Failure> {
    let files = [layout::ROOT_RAW, layout::ROOT_QCOW2].map(|name| dir.join(name));
    files.into_iter().find(|file| file.is_file()).ok_or_else(|| {
        failure(Code::Failed, format!("{doing}: its root disk is gone")).hinted("Delete the machine.")
    })
}
