//! The home disk, and what the image has for it.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink},
    path::Path,
};

use rustix::{
    fs::sync,
    mount::{MountFlags, UnmountFlags, unmount},
};

use super::{
    disks::mount_ext4,
    error::{BootError, Doing},
    grow::grow,
};

/// Where the disk is mounted while it is prepared, in the initramfs.
const STAGE: &str = "/home-stage";

/// What is being copied, and what was copied and is being moved to its place. A power cut in either leaves
/// a disk that the next boot can tell from one that is in use.
const COPYING: &str = ".banger-copying";
const COPIED: &str = ".banger-copied";

/// What a new file system has by itself.
const LOST_AND_FOUND: &str = "lost+found";

/// Prepares the home on `device`: grows it, and on the first boot fills it from the image's `from`.
pub(super) fn prepare(device: &str, from: &Path) -> Result<(), BootError> {
    mount_ext4(device, STAGE, MountFlags::empty())?;
    if let Err(error) = grow(device, STAGE) {
        eprintln!("{error}");
    }
    let seeded = seed(Path::new(STAGE), from);
    unmount(STAGE, UnmountFlags::empty()).doing("unmount the home")?;
    seeded.doing("fill the home from the image")
}

/// Copies `from` into an empty `home`. After a power cut anywhere, calling it again ends the same.
fn seed(home: &Path, from: &Path) -> io::Result<()> {
    let (copying, copied) = (home.join(COPYING), home.join(COPIED));
    if copying.exists() {
        fs::remove_dir_all(&copying)?;
    }
    if !copied.exists() {
        if !is_empty(home)? || !fs::symlink_metadata(from).is_ok_and(|from| from.is_dir()) {
            return Ok(());
        }
        copy(from, &copying)?;
        sync();
        fs::rename(&copying, &copied)?;
    }
    let root = fs::symlink_metadata(&copied)?;
    for child in fs::read_dir(&copied)? {
        let child = child?;
        fs::rename(child.path(), home.join(child.file_name()))?;
    }
    fs::set_permissions(home, root.permissions())?;
    lchown(home, Some(root.uid()), Some(root.gid()))?;
    fs::remove_dir(&copied)?;
    sync();
    Ok(())
}

fn is_empty(home: &Path) -> io::Result<bool> {
    for child in fs::read_dir(home)? {
        if child?.file_name() != LOST_AND_FOUND {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Copies files, directories and links with their owners and modes; anything else is left out.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut left = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = left.pop() {
        let metadata = fs::symlink_metadata(&from)?;
        if metadata.is_dir() {
            fs::create_dir(&to)?;
            for child in fs::read_dir(&from)? {
                let child = child?;
                left.push((child.path(), to.join(child.file_name())));
            }
        } else if metadata.is_symlink() {
            symlink(fs::read_link(&from)?, &to)?;
        } else if metadata.is_file() {
            fs::copy(&from, &to)?;
        } else {
            continue;
        }
        lchown(&to, Some(metadata.uid()), Some(metadata.gid()))?;
        if !metadata.is_symlink() {
            // After the owner: changing that takes set-user-id away.
            fs::set_permissions(&to, fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> tempfile::TempDir {
        let image = tempfile::tempdir().unwrap();
        fs::create_dir(image.path().join(".config")).unwrap();
        fs::write(image.path().join(".config/file"), "settings").unwrap();
        fs::write(image.path().join(".bashrc"), "alias").unwrap();
        symlink(".bashrc", image.path().join("link")).unwrap();
        fs::set_permissions(image.path(), fs::Permissions::from_mode(0o700)).unwrap();
        image
    }

    fn assert_seeded(home: &Path) {
        let mut names: Vec<_> = fs::read_dir(home)
            .unwrap()
            .map(|child| child.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [".bashrc", ".config", "link", LOST_AND_FOUND]);
        assert_eq!(fs::read(home.join(".config/file")).unwrap(), b"settings");
        assert_eq!(fs::metadata(home).unwrap().permissions().mode() & 0o777, 0o700);
    }

    fn empty_home() -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(LOST_AND_FOUND)).unwrap();
        home
    }

    #[test]
    fn an_empty_home_is_filled_once() {
        let (image, home) = (image(), empty_home());
        seed(home.path(), image.path()).unwrap();
        assert_seeded(home.path());
        fs::remove_file(home.path().join(".bashrc")).unwrap();
        seed(home.path(), image.path()).unwrap();
        assert!(!home.path().join(".bashrc").exists());
    }

    #[test]
    fn a_power_cut_while_filling_is_made_good() {
        let image = image();
        let while_copying = empty_home();
        fs::create_dir(while_copying.path().join(COPYING)).unwrap();
        fs::write(while_copying.path().join(COPYING).join(".bashrc"), "al").unwrap();
        let while_moving = empty_home();
        copy(image.path(), &while_moving.path().join(COPIED)).unwrap();
        fs::rename(while_moving.path().join(COPIED).join("link"), while_moving.path().join("link")).unwrap();
        for home in [while_copying, while_moving] {
            seed(home.path(), image.path()).unwrap();
            assert_seeded(home.path());
        }
    }
}
