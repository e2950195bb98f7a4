//! Files that the host puts into the guest.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use guest::GuestFile;

use crate::serve::reply::Refused;

/// The bits of a mode that are permissions.
const MODE_MASK: u32 = 0o7777;

pub(super) fn put(file: &GuestFile) -> Result<(), Refused> {
    let path = Path::new(&file.path);
    if !path.is_absolute() || path.file_name().is_none() {
        return Err(Refused::bad(format!("{:?} is no absolute path of a file", file.path)));
    }
    let content = BASE64_STANDARD
        .decode(&file.content)
        .map_err(|error| Refused::bad(format!("read the content of {}: {error}", file.path)))?;
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| write_whole(path, &content, file.mode & MODE_MASK));
    written.map_err(|error| Refused::failed(&format!("write {}", file.path), &error))
}

/// Replaces a file, or a link, as a whole: a reader sees the old or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".banger-new");
    let new = path.with_file_name(name);
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    let written = file
        .write_all(content)
        .and_then(|()| file.set_permissions(fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&new, path));
    written.inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_put_with_its_parents_and_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/file");
        let file = |content: &str| GuestFile {
            path: path.to_str().unwrap().to_owned(),
            mode: 0o640,
            content: content.to_owned(),
        };
        put(&file("aGVsbG8=")).unwrap();
        put(&file("aGVsbG8=")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"hello");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o640);
        assert!(put(&file("no base64")).is_err());
        assert!(put(&GuestFile { path: "relative".to_owned(), mode: 0, content: String::new() }).is_err());
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn a_dangling_link_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("resolv.conf");
        symlink("../run/nowhere", &path).unwrap();
        write_whole(&path, b"x", 0o644).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }
}
