//! `promote`: an image is made of a machine's root disk.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use api::{Code, Failure, OperationKind, Outcome};
use model::ImageName;
use store::VmRecord;
use vm::{admission::Request, boot_plan::DiskFormat};

use super::admit;
use crate::{
    app::App,
    failure::{Explained, failure, from_error},
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
        let (format, disk) = root_disk(&app.dirs.vm(&vm.id), &doing)?;
        let merged = match format {
            DiskFormat::Raw | DiskFormat::Qcow2 => None,
            DiskFormat::Snapshot => Some(merge(&app, &operation, &vm, &disk, &doing).await?),
        };
        let disk = merged.as_ref().map_or(disk, |merged| merged.path.clone());
        let images = Arc::clone(&app.library.images);
        let source = format!("machine {}", vm.name);
        let image =
            library::job(&operation, doing, move |job| images.promote(&name, &disk, &source, job)).await?;
        Ok(Outcome::Image(image_view(image)))
    })
}

fn root_disk(dir: &Path, doing: &str) -> Result<(DiskFormat, PathBuf), Failure> {
    let files = DiskFormat::ALL.map(|format| (format, dir.join(format.root_file())));
    files.into_iter().find(|(_, file)| file.is_file()).ok_or_else(|| {
        failure(Code::Failed, format!("{doing}: its root disk is gone")).hinted("Delete the machine.")
    })
}

/// A disk that was merged from an image and a store. It goes with this value.
struct Merged {
    path: PathBuf,
}

impl Drop for Merged {
    fn drop(&mut self) {
        let _not_there = fs::remove_file(&self.path);
    }
}

/// Makes one disk, beside the store, of what the store holds and of the image under it.
async fn merge(
    app: &App,
    operation: &Operation,
    vm: &VmRecord,
    store: &Path,
    doing: &str,
) -> Result<Merged, Failure> {
    operation.stage("merge the machine's root disk");
    let image = vm.image_digest.as_ref().and_then(|digest| app.library.images.disk_of(digest));
    let gone = || failure(Code::Failed, format!("{doing}: the image of its root disk is gone"));
    let image = image.ok_or_else(gone)?;
    let merged = Merged { path: store.with_extension("merged") };
    // What an interrupted one left.
    let _not_there = fs::remove_file(&merged.path);
    let cancel = Arc::new(disk::Cancel::default());
    let work = {
        let (store, to, cancel) = (store.to_owned(), merged.path.clone(), Arc::clone(&cancel));
        let growth = vm.spec.system_overlay_size;
        move || disk::store::merge(&image, &store, &to, growth, &cancel)
    };
    let mut working = tokio::task::spawn_blocking(work);
    let done = tokio::select! {
        done = &mut working => done,
        () = operation.cancellation().cancelled() => {
            cancel.cancel();
            working.await
        }
    };
    let done = done.map_err(|error| failure(Code::Internal, format!("{doing}: {error}")))?;
    done.map_err(|error| from_error(doing, &error, error.class(), error.hint())).map(|()| merged)
}
