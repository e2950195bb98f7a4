//! The home disk of a machine: an ext4 of its own, at `/root`.

use std::{fs::File, path::Path};

use model::Size;
use vm::layout::HOME_DISK;

use crate::{Cancel, DiskError, root::copied};

/// Makes a machine's home disk in its directory, durably: a sparse copy of `template`, a small empty ext4,
/// made as long as `size`. The agent grows the file system. Takes some milliseconds.
///
/// # Errors
///
/// [`DiskError`]; no home disk is there then. [`DiskError::Shrink`] where the template is larger than `size`.
pub fn create(dir: &Path, template: &Path, size: Size) -> Result<(), DiskError> {
    let no_source = |source| DiskError::Source { file: template.to_owned(), source };
    let from = File::open(template).map_err(no_source)?;
    let least = Size::from_bytes(from.metadata().map_err(no_source)?.len());
    if least > size {
        return Err(DiskError::Shrink { size: least, wanted: size });
    }
    copied(&dir.join(HOME_DISK), &from, size, &Cancel::default())
}

/// Makes the home disk of a machine that does not run larger, durably. The agent grows the file system
/// after the next boot. Growing to the size that it has is a success.
///
/// # Errors
///
/// [`DiskError::Shrink`] where it is larger than `size`, [`DiskError::Write`]; it has the size that it had.
pub fn grow(dir: &Path, size: Size) -> Result<(), DiskError> {
    let path = dir.join(HOME_DISK);
    let failed = |source| DiskError::writing(path.clone(), source);
    let file = File::options().write(true).open(&path).map_err(failed)?;
    let has = Size::from_bytes(file.metadata().map_err(failed)?.len());
    if has > size {
        return Err(DiskError::Shrink { size: has, wanted: size });
    }
    file.set_len(size.bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::FileExt};

    use super::*;

    #[test]
    fn a_home_disk_is_the_template_made_longer_and_only_grows() {
        let dir = tempfile::tempdir().unwrap();
        let template = dir.path().join("template.ext4");
        let file = File::create(&template).unwrap();
        file.set_len(Size::from_mib(8).bytes()).unwrap();
        file.write_all_at(b"ext4", 1024).unwrap();

        let small = create(dir.path(), &template, Size::from_mib(4)).unwrap_err();
        assert!(matches!(small, DiskError::Shrink { .. }), "{small}");
        create(dir.path(), &template, Size::from_gib(8)).unwrap();
        let again = create(dir.path(), &template, Size::from_gib(8)).unwrap_err();
        assert!(matches!(again, DiskError::Write { .. }), "{again}");

        let home = File::open(dir.path().join(HOME_DISK)).unwrap();
        let mut held = [0; 4];
        home.read_exact_at(&mut held, 1024).unwrap();
        assert_eq!(&held, b"ext4");
        let len = || home.metadata().unwrap().len();
        assert_eq!(len(), Size::from_gib(8).bytes());

        grow(dir.path(), Size::from_gib(9)).unwrap();
        grow(dir.path(), Size::from_gib(9)).unwrap();
        assert_eq!(len(), Size::from_gib(9).bytes());
        let error = grow(dir.path(), Size::from_gib(8)).unwrap_err();
        assert_eq!(error.to_string(), "the disk has 9G and cannot shrink to 8G");
        assert_eq!(error.class(), model::Class::Usage);
        assert_eq!(len(), Size::from_gib(9).bytes());

        fs::remove_file(dir.path().join(HOME_DISK)).unwrap();
        assert!(matches!(grow(dir.path(), Size::from_gib(9)), Err(DiskError::Write { .. })));
    }
}
