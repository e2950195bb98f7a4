//! Who a guest is: pushed after every boot.

use std::io;

use api::Failure;
use base64::{Engine, engine::general_purpose::STANDARD};
use config::{FileSync, SYNCED_BYTES_MAX};
use guest::{GuestFile, Identity};
use jiff::Timestamp;
use store::VmRecord;

use super::keys;
use crate::{app::App, operations::Operation};

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
    let bytes = host::file::read_bounded(&sync.host, SYNCED_BYTES_MAX)?;
    Ok(GuestFile { path: sync.guest.clone(), mode: sync.mode, content: STANDARD.encode(bytes) })
}
