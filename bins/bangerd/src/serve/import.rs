//! Bytes that are sent in: kept in a file without a name until they are worked on.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use api::{Code, Failure};
use axum::body::Body;
use futures::TryStreamExt;
use model::OpId;
use tokio::io::AsyncWriteExt;

use crate::{
    app::RESERVE,
    failure::{Explained, failure},
};

/// How often the room is looked at, in bytes that came in.
const LOOK_EVERY_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a body to its end into a file in `dir` that has no name, so that it goes away whatever happens.
///
/// # Errors
///
/// [`Code::NoRoom`] before the disk is full; [`Code::BadRequest`] where nothing comes or the sender goes away.
pub(super) async fn stage(dir: &Path, body: Body) -> Result<File, Failure> {
    let unusable =
        |error: io::Error| failure(Code::Failed, format!("take the file in: {}: {error}", dir.display()));
    let mut file = tokio::fs::File::from_std(nameless(dir).map_err(unusable)?);
    let mut pieces = body.into_data_stream();
    let (mut bytes, mut look_at) = (0, 0);
    loop {
        let piece = pieces.try_next().await.map_err(|error| {
            failure(Code::BadRequest, format!("take the file in: it was cut short: {error}"))
        })?;
        let Some(piece) = piece else { break };
        bytes += u64::try_from(piece.len()).unwrap_or_default();
        if bytes >= look_at {
            check_room(dir)?;
            look_at = bytes + LOOK_EVERY_BYTES;
        }
        file.write_all(&piece).await.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => no_room(dir),
            _ => unusable(error),
        })?;
    }
    if bytes == 0 {
        return Err(failure(Code::BadRequest, "take the file in: it is empty"));
    }
    file.flush().await.map_err(unusable)?;
    let mut file = file.into_std().await;
    file.seek(SeekFrom::Start(0)).map_err(unusable)?;
    Ok(file)
}

fn check_room(dir: &Path) -> Result<(), Failure> {
    let free = host::capacity::free_room(dir).unwrap_or_default();
    if free.bytes() > RESERVE.bytes() + LOOK_EVERY_BYTES { Ok(()) } else { Err(no_room(dir)) }
}

fn no_room(dir: &Path) -> Failure {
    failure(Code::NoRoom, format!("take the file in: {} has too little room for it", dir.display()))
        .hinted("`banger du` shows what takes room, and what could go.")
}

fn nameless(dir: &Path) -> io::Result<File> {
    let mut chance = [0; 6];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    let path = dir.join(format!(".import-{}", OpId::from_random(chance)));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn what_comes_in_is_read_from_its_start_and_has_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = stage(dir.path(), Body::from("some bytes")).await.unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "some bytes");
        assert_eq!(stage(dir.path(), Body::empty()).await.unwrap_err().code, Code::BadRequest);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
