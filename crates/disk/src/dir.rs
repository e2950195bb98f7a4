//! The directory of a machine: making, measuring, removing.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::Path,
};

use model::Size;

/// Makes the directory of a new machine, mode 0700, and its parents.
///
/// # Errors
///
/// The system's; `AlreadyExists` where there is anything of that name.
pub fn create(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    DirBuilder::new().mode(0o700).create(dir)
}

/// Says how much room the files of a directory take on the host. Holes take none, and blocks shared with
/// an image are counted as if they were not.
///
/// # Errors
///
/// The system's, where the directory cannot be read. What vanishes meanwhile takes no room.
pub fn usage(dir: &Path) -> io::Result<Size> {
    let mut bytes: u64 = 0;
    for entry in fs::read_dir(dir)? {
        match entry.and_then(|entry| entry.metadata()) {
            Ok(meta) => bytes = bytes.saturating_add(meta.blocks().saturating_mul(512)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Size::from_bytes(bytes))
}

/// Removes a directory with all that is in it. Links are removed, never followed, also where one takes
/// the place of a directory meanwhile (the standard library goes by descriptors). Removing what is not
/// there is a success; so a removal that was cut short is done again.
///
/// # Errors
///
/// The system's, where something could not be removed; the rest may be gone.
pub fn remove(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_directory_goes_with_all_that_is_in_it_and_nothing_beside_it() {
        let temp = tempfile::tempdir().unwrap();
        let (dir, beside) = (temp.path().join("vms/0001"), temp.path().join("beside"));
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("kept"), "kept").unwrap();
        create(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(create(&dir).unwrap_err().kind(), io::ErrorKind::AlreadyExists);

        fs::create_dir_all(dir.join("a/b/c")).unwrap();
        fs::write(dir.join("a/b/file"), "").unwrap();
        symlink(&beside, dir.join("a/link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.join("x.sock")).unwrap();
        remove(&dir).unwrap();
        remove(&dir).unwrap();
        assert!(!dir.exists());
        assert_eq!(fs::read_to_string(beside.join("kept")).unwrap(), "kept");

        symlink(&beside, &dir).unwrap();
        remove(&dir).unwrap();
        assert!(fs::symlink_metadata(&dir).is_err(), "the link itself goes");
        assert_eq!(fs::read_to_string(beside.join("kept")).unwrap(), "kept");
    }

    #[test]
    fn holes_take_no_room() {
        let temp = tempfile::tempdir().unwrap();
        fs::File::create(temp.path().join("hole")).unwrap().set_len(1 << 40).unwrap();
        fs::write(temp.path().join("data"), vec![1; 1 << 20]).unwrap();
        let usage = usage(temp.path()).unwrap().mib();
        assert!((1..3).contains(&usage), "{usage} MiB");
        assert!(super::usage(&temp.path().join("missing")).is_err());
    }
}
