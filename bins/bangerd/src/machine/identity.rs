//! Who a guest is: pushed after every boot.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use api::Failure;
use base64::{Engine, engine::general_purpose::STANDARD};
use guest::{GuestFile, Identity};
use jiff::Timestamp;
use store::VmRecord;

use super::keys;
use crate::{app::App, config::FileSync, operations::Operation};

/// The longest file that is put into machines, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Makes what a machine's guest is told. A file that cannot be read is left out with a warning.
///
/// # Errors
///
/// Its host key cannot be read, or it has no network.
pub(super) async fn identity(app: &App, operation: &Operation, vm: &VmRecord) -> Result<Identity, Failure> {
    let mut files = vec![];
    for sync in app.config.file_sync() {
        match read(sync) {
            Ok(file) => files.push(file),
            Err(error) => {
                operation.warn(format!("{} is not put into {}: {error}", sync.host.display(), vm.name));
            }
        }
    }
    Ok(Identity {
        hostname: vm.name.to_string(),
        time_unix_nanos: now_unix_nanos(),
        authorized_keys: vec![app.user_key.clone()],
        ssh_host_key: keys::host_key(&app.dirs.vm(&vm.id))?,
        network: Some(app.hands.network(vm).await?),
        files,
    })
}

/// The wall clock, as a guest is told it.
pub(super) fn now_unix_nanos() -> u64 {
    u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or_default()
}

fn read(sync: &FileSync) -> io::Result<GuestFile> {
    let bytes = read_bounded(&sync.host)?;
    Ok(GuestFile { path: sync.guest.clone(), mode: sync.mode, content: STANDARD.encode(bytes) })
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut bytes = vec![];
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 1 MiB"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_read_up_to_a_limit_and_nothing_but_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes = usize::try_from(FILE_BYTES_MAX).unwrap();
        fs::write(&path, vec![7; bytes]).unwrap();
        assert_eq!(read_bounded(&path).unwrap().len(), bytes);
        fs::write(&path, vec![7; bytes + 1]).unwrap();
        assert!(read_bounded(&path).is_err());
        assert!(read_bounded(dir.path()).is_err());
        assert!(read_bounded(&dir.path().join("none")).is_err());
    }
}
