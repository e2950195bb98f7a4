//! The owner's `[[file_sync]]` of a system install, put into a machine that has just booted.
//!
//! The daemon opens none of the owner's files, so they go from here through the link, as a copy does. In embedded
//! mode there is but one file, and the daemon puts in what that names.

use std::io::{self, Cursor};

use api::Vm;
use config::{FileSync, SYNCED_BYTES_MAX};
use guest::client::Connection;
use model::VmState;
use tar::{Builder, EntryType, Header};

use crate::{
    daemon::Owners,
    fault::{chain, plain_io},
    screen::Screen,
};

/// Puts the owner's files into a machine that runs. What cannot be read, or put there, is told of and left out.
pub(super) async fn put_files(screen: Screen, vm: &Vm, owners: &Owners) {
    if vm.state != VmState::Running || owners.files().is_empty() {
        return;
    }
    let mut tar = Builder::new(vec![]);
    let mut count = 0_u32;
    for file in owners.files() {
        match append(&mut tar, file) {
            Ok(()) => count += 1,
            Err(error) => {
                let host = file.host.display();
                screen.warn(&format!("{host} is not put into {}: {}", vm.name, plain_io(&error)));
            }
        }
    }
    let put = match tar.into_inner() {
        Ok(bytes) if count > 0 => {
            let put = Connection::in_dir(&vm.link_dir).put_tree("/", Cursor::new(bytes)).await;
            put.map(drop).map_err(|error| chain(&error))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(plain_io(&error)),
    };
    if let Err(why) = put {
        screen.warn(&format!("the files of [[file_sync]] are not put into {}: {why}", vm.name));
    }
}

fn append(tar: &mut Builder<Vec<u8>>, file: &FileSync) -> io::Result<()> {
    let bytes = host::file::read_bounded(&file.host, SYNCED_BYTES_MAX)?;
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(file.mode);
    header.set_mtime(jiff::Timestamp::now().as_second().unsigned_abs());
    header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    tar.append_data(&mut header, file.guest.trim_start_matches('/'), &*bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read as _};

    use super::*;

    #[test]
    fn a_file_is_packed_under_its_place_in_the_guest_with_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let host = dir.path().join("secret");
        fs::write(&host, "s").unwrap();
        let mut tar = Builder::new(vec![]);
        let deep = format!("/root/{}/x", "a".repeat(150));
        for guest in ["/root/.netrc", deep.as_str()] {
            append(&mut tar, &FileSync { host: host.clone(), guest: guest.to_owned(), mode: 0o600 }).unwrap();
        }
        let gone = FileSync { host: dir.path().join("none"), guest: "/x".to_owned(), mode: 0o600 };
        assert_eq!(append(&mut tar, &gone).unwrap_err().kind(), io::ErrorKind::NotFound);
        let bytes = tar.into_inner().unwrap();
        let mut archive = tar::Archive::new(&*bytes);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            let path = entry.path().unwrap().display().to_string();
            (path, entry.header().mode().unwrap(), content)
        });
        let want = |path: &str| (path.to_owned(), 0o600, "s".to_owned());
        assert_eq!(entries.collect::<Vec<_>>(), [want("root/.netrc"), want(&deep[1..])]);
    }
}
