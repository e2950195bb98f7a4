//! The root disk of a machine: what an image holds, and what the machine writes over it.

use std::{
    ffi::OsString,
    fs::File,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use host::program;
use model::Size;
use rustix::fs::ioctl_ficlone;
use vm::boot_plan::DiskFormat;

use crate::{Cancel, DiskError, sparse, store};

/// How a root disk is put over its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RootMethod {
    /// A file that shares the image's blocks until it writes its own (`FICLONE`).
    Reflink,
    /// A qcow2 file that names the image and holds the differences. The image has to stay where it is.
    Overlay,
    /// The store of a snapshot of the device mapper, which root lays over the image at each launch.
    Snapshot,
    /// A file of its own with all that the image holds.
    Copy,
}

impl RootMethod {
    /// The methods for a monitor that reads every format, the best first: the first that the host can do is taken.
    pub const PREFERRED: [Self; 3] = [Self::Reflink, Self::Overlay, Self::Copy];
    /// The methods for a monitor that reads the disk's bytes alone. The second is for a host whose root helper can
    /// do it.
    pub const PREFERRED_RAW: [Self; 3] = [Self::Reflink, Self::Snapshot, Self::Copy];

    /// Returns the word for it, as `info` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reflink => "reflink",
            Self::Overlay => "qcow2",
            Self::Snapshot => "snapshot",
            Self::Copy => "copy",
        }
    }

    /// What the disk's file holds.
    #[must_use]
    pub fn format(self) -> DiskFormat {
        match self {
            Self::Reflink | Self::Copy => DiskFormat::Raw,
            Self::Overlay => DiskFormat::Qcow2,
            Self::Snapshot => DiskFormat::Snapshot,
        }
    }
}

/// What root disk to make.
#[derive(Clone, Copy, Debug)]
pub struct RootRequest<'a> {
    /// The machine's directory.
    pub dir: &'a Path,
    /// The image's ext4, by an absolute path.
    pub image: &'a Path,
    /// What the guest may write beyond the image's own size. The agent grows the file system.
    pub overlay_size: Size,
    /// `qemu-img`, where the host has it.
    pub qemu_img: Option<&'a Path>,
    /// Methods to try, in this order.
    pub methods: &'a [RootMethod],
}

/// A root disk that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootDisk {
    /// How.
    pub method: RootMethod,
    /// What the guest sees as its size.
    pub size: Size,
}

/// How long `qemu-img create` may take; it takes 10 ms.
const QEMU_IMG_LIMIT: Duration = Duration::from_secs(30);

/// Makes a machine's root disk in its directory, durably, with the first method that works here.
///
/// Takes some milliseconds, whatever the image's size; with [`RootMethod::Copy`] as long as a copy takes.
///
/// # Errors
///
/// [`DiskError`]; no root disk is there then. [`DiskError::NoMethod`] where none of the methods works here.
pub fn create(request: &RootRequest, cancel: &Cancel) -> Result<RootDisk, DiskError> {
    let no_source = |source| DiskError::Source { file: request.image.to_owned(), source };
    let image = File::open(request.image).map_err(no_source)?;
    let size =
        Size::from_bytes(image.metadata().map_err(no_source)?.len()).saturating_add(request.overlay_size);
    for method in request.methods {
        let is_made = match method {
            RootMethod::Reflink => reflink(request, &image, size)?,
            RootMethod::Overlay => overlay(request, size)?,
            RootMethod::Snapshot => store(request, size)?,
            RootMethod::Copy => copy(request, &image, size, cancel).map(|()| true)?,
        };
        if is_made {
            return Ok(RootDisk { method: *method, size });
        }
    }
    Err(DiskError::NoMethod { file: request.dir.join(DiskFormat::Raw.root_file()) })
}

fn reflink(request: &RootRequest, image: &File, size: Size) -> Result<bool, DiskError> {
    use rustix::io::Errno;
    making(request.dir.join(RootMethod::Reflink.format().root_file()), |path| {
        let failed = |source| DiskError::writing(path.to_owned(), source);
        let file = create_new(path)?;
        match ioctl_ficlone(&file, image) {
            Ok(()) => {}
            // Not this file system, or not the image's.
            Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS) => {
                return Ok(false);
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        file.set_len(size.bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(true)
    })
}

fn overlay(request: &RootRequest, size: Size) -> Result<bool, DiskError> {
    let Some(qemu_img) = request.qemu_img else {
        return Ok(false);
    };
    making(request.dir.join(RootMethod::Overlay.format().root_file()), |path| {
        let words = ["create", "-q", "-f", "qcow2", "-F", "raw", "-b"].map(OsString::from);
        let mut args = words.to_vec();
        args.push(request.image.into());
        // By its name alone: an option's value ends at a comma, and a directory's path may hold one.
        args.push(path.file_name().unwrap_or_default().into());
        args.push(size.bytes().to_string().into());
        program::run(qemu_img, &args, request.dir, QEMU_IMG_LIMIT)
            .map_err(|source| failed_overlay(path, source))?;
        let failed = |source| DiskError::writing(path.to_owned(), source);
        let file = File::options().write(true).open(path).map_err(failed)?;
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(true)
    })
}

/// An empty store: the device mapper begins one where the first bytes are zero.
fn store(request: &RootRequest, size: Size) -> Result<bool, DiskError> {
    making(request.dir.join(RootMethod::Snapshot.format().root_file()), |path| {
        let failed = |source| DiskError::writing(path.to_owned(), source);
        let file = create_new(path)?;
        file.set_len(store::len_for(size).bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(true)
    })
}

/// The tool's text is all that tells of a full disk.
fn failed_overlay(path: &Path, source: program::ProgramError) -> DiskError {
    let text = source.to_string();
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        DiskError::writing(path.to_owned(), std::io::ErrorKind::StorageFull.into())
    } else {
        DiskError::Overlay { file: path.to_owned(), source }
    }
}

fn copy(request: &RootRequest, image: &File, size: Size, cancel: &Cancel) -> Result<(), DiskError> {
    let path = request.dir.join(RootMethod::Copy.format().root_file());
    // Asked first: a copy that cannot end well would take long to fail.
    let need = image.metadata().map_or(0, |meta| meta.blocks().saturating_mul(512));
    let free = host::capacity::free_room(request.dir).unwrap_or(Size::from_bytes(u64::MAX));
    if free.bytes() < need {
        return Err(DiskError::NoRoom { dir: request.dir.to_owned(), file: path, free });
    }
    copied(&path, image, size, cancel)
}

/// Makes the file `path` a sparse copy of `from`, as long as `size`, durably.
pub(crate) fn copied(path: &Path, from: &File, size: Size, cancel: &Cancel) -> Result<(), DiskError> {
    let is_made = making(path.to_owned(), |path| {
        let file = create_new(path)?;
        let copied = sparse::copy(from, &file, cancel).and_then(|is_done| {
            if is_done {
                file.set_len(size.bytes())?;
                file.sync_all()?;
            }
            Ok(is_done)
        });
        copied.map_err(|source| DiskError::writing(path.to_owned(), source))
    })?;
    if is_made { Ok(()) } else { Err(DiskError::Cancelled { file: path.to_owned() }) }
}

fn create_new(path: &Path) -> Result<File, DiskError> {
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|source| DiskError::writing(path.to_owned(), source))
}

/// Has `make` make the file `path`; what it leaves there is removed unless it says that it was made.
fn making(path: PathBuf, make: impl FnOnce(&Path) -> Result<bool, DiskError>) -> Result<bool, DiskError> {
    // What is there already is not ours to remove.
    if path.symlink_metadata().is_ok() {
        return Err(DiskError::Write { file: path, source: std::io::ErrorKind::AlreadyExists.into() });
    }
    let outcome = make(&path);
    if !matches!(outcome, Ok(true)) {
        let _not_there = std::fs::remove_file(&path);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::FileExt};

    use tempfile::TempDir;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn image(dir: &TempDir) -> PathBuf {
        let path = dir.path().join("image, with a comma.ext4");
        let file = File::create(&path).unwrap();
        file.set_len(64 * MIB).unwrap();
        file.write_all_at(b"image", 32 * MIB).unwrap();
        path
    }

    fn machine(dir: &TempDir) -> PathBuf {
        let path = dir.path().join("machine");
        fs::create_dir(&path).unwrap();
        path
    }

    fn request<'a>(dir: &'a Path, image: &'a Path, methods: &'a [RootMethod]) -> RootRequest<'a> {
        RootRequest { dir, image, overlay_size: Size::from_mib(100), qemu_img: None, methods }
    }

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_copy_is_as_long_as_image_and_growth_and_holds_the_image() {
        let temp = tempfile::tempdir().unwrap();
        let (image, dir) = (image(&temp), machine(&temp));
        let made = create(&request(&dir, &image, &[RootMethod::Copy]), &Cancel::default()).unwrap();
        assert_eq!(made, RootDisk { method: RootMethod::Copy, size: Size::from_mib(164) });
        let file = File::open(dir.join("root.raw")).unwrap();
        let mut held = [0; 5];
        file.read_exact_at(&mut held, 32 * MIB).unwrap();
        assert_eq!(&held, b"image");
        let meta = file.metadata().unwrap();
        assert_eq!((meta.len(), meta.mode() & 0o777), (164 * MIB, 0o600));
        assert!(meta.blocks() * 512 < MIB, "holes stay holes");
    }

    #[test]
    fn the_first_method_that_works_is_taken_and_none_leaves_anything_beside_it() {
        let temp = tempfile::tempdir().unwrap();
        let (image, dir) = (image(&temp), machine(&temp));
        let made = create(&request(&dir, &image, &RootMethod::PREFERRED), &Cancel::default()).unwrap();
        assert!(matches!(made.method, RootMethod::Reflink | RootMethod::Copy), "{made:?}");
        assert_eq!(names(&dir), ["root.raw"]);
        assert_eq!(fs::metadata(dir.join("root.raw")).unwrap().len(), 164 * MIB);
    }

    /// The host needs `qemu-img` to run the tests, as it needs QEMU.
    #[test]
    fn an_overlay_names_the_image_and_takes_no_room() {
        let temp = tempfile::tempdir().unwrap();
        let (image, dir) = (image(&temp), machine(&temp));
        let qemu_img = program::find("qemu-img").expect("qemu-img is installed (package qemu-utils)");
        let with_tool =
            RootRequest { qemu_img: Some(&qemu_img), ..request(&dir, &image, &[RootMethod::Overlay]) };
        let made = create(&with_tool, &Cancel::default()).unwrap();
        assert_eq!(made, RootDisk { method: RootMethod::Overlay, size: Size::from_mib(164) });
        assert_eq!(names(&dir), ["root.qcow2"]);
        let meta = fs::metadata(dir.join("root.qcow2")).unwrap();
        assert_eq!(meta.mode() & 0o777, 0o600);
        assert!(meta.blocks() * 512 < MIB);
        let args = ["info", "-f", "qcow2", "root.qcow2"].map(Into::into);
        let info = program::run(&qemu_img, &args, &dir, QEMU_IMG_LIMIT).unwrap();
        assert!(info.contains("virtual size: 164 MiB"), "{info}");
        assert!(info.contains(&format!("backing file: {}", image.display())), "{info}");
    }

    #[test]
    fn without_a_method_nothing_is_made() {
        let temp = tempfile::tempdir().unwrap();
        let (image, dir) = (image(&temp), machine(&temp));
        let error = create(&request(&dir, &image, &[RootMethod::Overlay]), &Cancel::default()).unwrap_err();
        assert!(matches!(error, DiskError::NoMethod { .. }), "{error}");
        assert_eq!(names(&dir), [""; 0]);
    }

    #[test]
    fn a_failed_or_cancelled_one_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let (image, dir) = (image(&temp), machine(&temp));
        let cancel = Cancel::default();
        cancel.cancel();
        let error = create(&request(&dir, &image, &[RootMethod::Copy]), &cancel).unwrap_err();
        assert!(matches!(error, DiskError::Cancelled { .. }), "{error}");

        let failing = RootRequest {
            qemu_img: Some(Path::new("/bin/false")),
            ..request(&dir, &image, &[RootMethod::Overlay])
        };
        let error = create(&failing, &Cancel::default()).unwrap_err();
        assert!(matches!(error, DiskError::Overlay { .. }), "{error}");

        let missing = temp.path().join("missing");
        let error = create(&request(&dir, &missing, &RootMethod::PREFERRED), &Cancel::default()).unwrap_err();
        assert!(matches!(error, DiskError::Source { .. }), "{error}");
        assert_eq!(names(&dir), [""; 0]);
    }

    #[test]
    fn a_disk_that_is_there_is_never_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let (image, dir) = (image(&temp), machine(&temp));
        fs::write(dir.join("root.raw"), "a guest's work").unwrap();
        for method in [RootMethod::Reflink, RootMethod::Copy] {
            let error = create(&request(&dir, &image, &[method]), &Cancel::default()).unwrap_err();
            assert!(matches!(error, DiskError::Write { .. }), "{error}");
        }
        assert_eq!(fs::read_to_string(dir.join("root.raw")).unwrap(), "a guest's work");
    }
}
