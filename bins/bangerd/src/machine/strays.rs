//! Directories without a record: what is left of a machine that came to nothing, and disks of one that was recorded.

use std::{fs, io, path::PathBuf};

use api::{Code, Failure};
use model::VmId;
use vm::layout::RECORDED;

use crate::{
    app::App,
    failure::{chain, failure},
};

/// The directories of machines that have no record, and none that is being made.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded {
    /// Those of machines that never had one, or that are being deleted: they are to go.
    pub(crate) strays: Vec<PathBuf>,
    /// Those of machines that had one. The database has lost it, and may have it again when a copy is put in its place.
    pub(crate) lost: Vec<VmId>,
}

/// Looks for the directories of machines that have no record. What is not called as a machine's directory is nobody's
/// affair.
///
/// # Errors
///
/// The directory of all machines cannot be read.
pub(crate) fn unrecorded(app: &App) -> io::Result<Unrecorded> {
    let mut found = Unrecorded::default();
    let entries = match fs::read_dir(app.dirs.vms()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    let snapshot = app.owner.snapshot();
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_str().and_then(|name| name.parse::<VmId>().ok());
        let Some(id) = id.filter(|id| snapshot.by_id(id).is_none() && !app.busy.has(id)) else { continue };
        if fs::exists(entry.path().join(RECORDED))? {
            found.lost.push(id);
        } else {
            found.strays.push(entry.path());
        }
    }
    Ok(found)
}

/// Removes what is left of machines that came to nothing, and gives back what is held for none.
pub(super) async fn clear_away(app: &App) {
    for error in remove_strays(app).await {
        tracing::error!("a directory that belongs to no machine stays: {error}");
    }
    let lost = match unrecorded(app) {
        Ok(found) => found.lost,
        Err(error) => return tracing::error!("what is held for no machine stays: {}", chain(&error)),
    };
    for id in &lost {
        tracing::error!(%id, "it has disks and no record; all that is its own stays");
    }
    let owned = app.owner.snapshot().vms.iter().map(|vm| vm.id.clone()).chain(lost).collect();
    if let Err(error) = app.hands.sweep(owned).await {
        tracing::error!("what is held for machines that are gone stays: {error}");
    }
}

/// Removes the directories of machines that came to nothing. Returns why those stay that stay.
pub(crate) async fn remove_strays(app: &App) -> Vec<Failure> {
    let strays = match unrecorded(app) {
        Ok(found) => found.strays,
        Err(error) => {
            return vec![failure(Code::Failed, format!("read the machines' directories: {error}"))];
        }
    };
    let mut failures = vec![];
    for dir in strays {
        tracing::warn!(dir = %dir.display(), "it belongs to no machine, and is removed");
        failures.extend(app.hands.discard(&dir).await.err());
    }
    failures
}

/// Notes beside a machine's disks that it is recorded. Where that fails, the next start of the daemon tries again.
pub(super) fn mark(app: &App, id: &VmId) {
    let dir = app.dirs.vm(id);
    // One whose directory is gone is told of elsewhere.
    if dir.is_dir()
        && let Err(error) = fs::write(dir.join(RECORDED), "")
    {
        tracing::warn!(%id, "that it is recorded was not noted: {error}");
    }
}

/// Takes the note away: the machine is to be forgotten, and its disks go with it.
///
/// # Errors
///
/// The note stays.
pub(super) fn unmark(app: &App, id: &VmId) -> Result<(), Failure> {
    match fs::remove_file(app.dirs.vm(id).join(RECORDED)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failure(Code::Failed, format!("let go of the machine's directory: {error}")))
        }
        _ => Ok(()),
    }
}
