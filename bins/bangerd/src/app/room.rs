//! The room that is left alone on the disk.

use std::path::Path;

use api::{Code, Failure};
use model::Size;

use crate::failure::{Explained, failure};

/// What has to be free before something large is begun (docs/disk-room.md). Below it the records, the logs and the
/// machines that run could not go on.
pub(crate) const RESERVE: Size = Size::from_mib(256);

/// Refuses to begin something large where less than the reserve is free.
///
/// # Errors
///
/// [`Code::NoRoom`].
pub(crate) fn check_room(dir: &Path, doing: &str) -> Result<(), Failure> {
    let free = host::capacity::free_room(dir)
        .map_err(|error| failure(Code::Failed, format!("{doing}: look at {}: {error}", dir.display())))?;
    if free >= RESERVE {
        return Ok(());
    }
    let message = format!(
        "{doing}: {} has {} MiB free, and {} MiB are needed",
        dir.display(),
        free.mib(),
        RESERVE.mib()
    );
    Err(failure(Code::NoRoom, message).hinted("`banger du` shows what takes room, and what could go."))
}
