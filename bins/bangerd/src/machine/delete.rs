//! `delete`: a machine goes, with its disks.

use std::{fs, io, path::PathBuf, sync::Arc};

use api::{Code, Failure, OperationKind, Outcome};
use store::VmRecord;
use vm::{
    admission::Request,
    life::{Duty, next},
};

use super::{
    admit,
    end::{How, end, end_stray},
    strays::unmark,
};
use crate::{app::App, failure::failure, operations::Operation};

const SIGKILL: i32 = 9;

/// Begins to delete a machine.
///
/// # Errors
///
/// The refusal; nothing was begun.
pub(crate) fn delete(app: &Arc<App>, vm: &VmRecord) -> Result<Arc<Operation>, Failure> {
    admit::begin(app, vm, Request::Delete, OperationKind::VmDelete, |app, operation, vm| async move {
        remove(&app, &operation, &vm).await?;
        Ok(Outcome::Gone)
    })
}

/// Ends a machine if it runs, and takes it away: the note of its record first, then the record, so that a directory with
/// neither is always one that is to go.
///
/// # Errors
///
/// It cannot be ended, or its record not be removed: it is still there, and can be deleted again. Where its
/// directory cannot be removed its record is gone, and the next start of the daemon tries again.
pub(super) async fn remove(app: &App, operation: &Operation, vm: &VmRecord) -> Result<(), Failure> {
    if next(vm.state) == Duty::Rest {
        end_stray(app, vm).await?;
    } else {
        end(app, operation, vm, How::Signal(SIGKILL)).await?;
    }
    forget(app, vm).await
}

/// Takes away the record of a machine that has ended, then all that it has.
///
/// # Errors
///
/// As [`remove`].
pub(super) async fn forget(app: &App, vm: &VmRecord) -> Result<(), Failure> {
    unmark(app, &vm.id)?;
    app.owner.remove(&vm.id).await?;
    app.hands.release(&vm.id).await?;
    remove_dir(app.dirs.vm(&vm.id)).await
}

/// Removes a machine's directory with all that is in it.
///
/// # Errors
///
/// A part of it cannot be removed.
pub(super) async fn remove_dir(dir: PathBuf) -> Result<(), Failure> {
    let shown = dir.display().to_string();
    let removed = tokio::task::spawn_blocking(move || match fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    });
    let removed = removed.await.map_err(io::Error::other).flatten();
    removed.map_err(|error| failure(Code::Failed, format!("remove {shown}: {error}")))
}
