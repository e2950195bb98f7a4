//! A tar stream from a machine, as files here. The machine is not trusted: nothing that it sends lands
//! outside the target, whatever links it sends first, and nothing here is followed.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::{Component, Path, PathBuf},
};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps, UTIME_OMIT};
use tar::{Archive, Entry, EntryType};

use super::{CopyError, Packed};

/// The bits of a mode that are kept: a set-uid bit from a machine means nothing good here.
const MODE_KEPT: u32 = 0o777;

/// Writes the stream's tree into the directory `dir`: its first entry under `name`, or with `None` what
/// is in it.
pub(crate) fn unpack(from: impl Read, dir: &Path, name: Option<&str>) -> Result<Packed, CopyError> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let root = rustix::fs::open(dir, flags, Mode::empty());
    let root = root.map_err(|errno| CopyError::Local { path: dir.to_owned(), source: errno.into() })?;
    let target = Target { root, dir: dir.to_owned(), name: name.map(OsString::from) };
    let mut archive = Archive::new(from);
    let stream = |source| CopyError::Stream { source };
    let mut packed = Packed::default();
    let mut made_dirs = Vec::new();
    for entry in archive.entries().map_err(stream)? {
        target.put(&mut entry.map_err(stream)?, &mut packed, &mut made_dirs)?;
    }
    // Last, and the innermost first: a directory may be closed to us, and what lands in it changes its time.
    for (path, mode, mtime) in made_dirs.iter().rev() {
        target.finish_dir(path, *mode, mtime)?;
    }
    Ok(packed)
}

/// A directory that was made: its path, mode and time.
type MadeDir = (PathBuf, Mode, Timestamps);

struct Target {
    root: OwnedFd,
    dir: PathBuf,
    name: Option<OsString>,
}

impl Target {
    fn put(
        &self,
        entry: &mut Entry<'_, impl Read>,
        packed: &mut Packed,
        made_dirs: &mut Vec<MadeDir>,
    ) -> Result<(), CopyError> {
        let sent = OsStr::from_bytes(&entry.path_bytes()).to_owned();
        // The top itself, when its contents are wanted.
        let Some(path) = self.landing(Path::new(&sent))? else { return Ok(()) };
        let header = entry.header();
        let stream = |source| CopyError::Stream { source };
        let mode = Mode::from_raw_mode(header.mode().map_err(stream)? & MODE_KEPT);
        let mtime = times(header.mtime().map_err(stream)?);
        let kind = header.entry_type();
        let at = self.at(&path)?;
        match kind {
            EntryType::Directory => {
                if at.make_dir()? {
                    made_dirs.push((path, mode, mtime));
                }
            }
            EntryType::Symlink => at.make_link(&link_of(entry)?)?,
            EntryType::Link => {
                let first = link_of(entry)?;
                let first = self.landing(Path::new(&first))?.ok_or_else(|| escapes(&first))?;
                at.make_hard_link(&self.at(&first)?)?;
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                packed.bytes += at.make_file(entry, mode, &mtime)?;
            }
            _ => {
                packed.skipped += 1;
                return Ok(());
            }
        }
        packed.entries += 1;
        Ok(())
    }

    /// Where an entry lands, below the target; `None` for the top where only its contents are wanted.
    fn landing(&self, sent: &Path) -> Result<Option<PathBuf>, CopyError> {
        let mut parts = Vec::new();
        for part in sent.components() {
            match part {
                Component::Normal(part) => parts.push(part),
                Component::CurDir => {}
                _ => return Err(escapes(sent.as_os_str())),
            }
        }
        // The top of a guest's file system is called `.`, and has no name to take away.
        let below = if sent.starts_with(".") { &parts[..] } else { parts.get(1..).unwrap_or_default() };
        let path: PathBuf = self.name.iter().map(OsString::as_os_str).chain(below.iter().copied()).collect();
        Ok(Some(path).filter(|path| !path.as_os_str().is_empty()))
    }

    /// The place of `path`, reached without following anything.
    fn at(&self, path: &Path) -> Result<At, CopyError> {
        let shown = self.dir.join(path);
        let local = |errno: rustix::io::Errno| CopyError::Local { path: shown.clone(), source: errno.into() };
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(escapes(path.as_os_str()));
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let dir = match rustix::fs::openat2(&self.root, parent, flags, Mode::empty(), resolve) {
            Err(rustix::io::Errno::LOOP | rustix::io::Errno::XDEV) => return Err(escapes(path.as_os_str())),
            dir => dir.map_err(local)?,
        };
        Ok(At { dir, name: name.to_owned(), shown })
    }

    fn finish_dir(&self, path: &Path, mode: Mode, mtime: &Timestamps) -> Result<(), CopyError> {
        let at = self.at(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir =
            rustix::fs::openat(&at.dir, &at.name, flags, Mode::empty()).map_err(|errno| at.local(errno))?;
        rustix::fs::futimens(&dir, mtime).map_err(|errno| at.local(errno))?;
        rustix::fs::fchmod(&dir, mode).map_err(|errno| at.local(errno))
    }
}

/// One name in one directory.
struct At {
    dir: OwnedFd,
    name: OsString,
    shown: PathBuf,
}

impl At {
    fn local(&self, errno: rustix::io::Errno) -> CopyError {
        CopyError::Local { path: self.shown.clone(), source: errno.into() }
    }

    /// Makes a directory; returns false where one is there.
    fn make_dir(&self) -> Result<bool, CopyError> {
        match rustix::fs::mkdirat(&self.dir, &self.name, Mode::RWXU) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::EXIST) if self.is_dir() => Ok(false),
            Err(rustix::io::Errno::EXIST) => Err(self.local(rustix::io::Errno::NOTDIR)),
            Err(errno) => Err(self.local(errno)),
        }
    }

    fn is_dir(&self) -> bool {
        let stat = rustix::fs::statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        stat.is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir())
    }

    /// Takes away what is there, unless it is a directory. What is there may be a link to elsewhere.
    fn clear(&self) -> Result<(), CopyError> {
        match rustix::fs::unlinkat(&self.dir, &self.name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.local(errno)),
        }
    }

    fn make_link(&self, to: &OsStr) -> Result<(), CopyError> {
        self.clear()?;
        rustix::fs::symlinkat(to, &self.dir, &self.name).map_err(|errno| self.local(errno))
    }

    fn make_hard_link(&self, first: &Self) -> Result<(), CopyError> {
        self.clear()?;
        let linked = rustix::fs::linkat(
            first.dir.as_fd(),
            &first.name,
            self.dir.as_fd(),
            &self.name,
            AtFlags::empty(),
        );
        linked.map_err(|errno| self.local(errno))
    }

    fn make_file(&self, from: &mut impl Read, mode: Mode, mtime: &Timestamps) -> Result<u64, CopyError> {
        self.clear()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.dir, &self.name, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(file.map_err(|errno| self.local(errno))?);
        let bytes = copy(from, &mut file, &self.shown)?;
        rustix::fs::fchmod(&file, mode).map_err(|errno| self.local(errno))?;
        rustix::fs::futimens(&file, mtime).map_err(|errno| self.local(errno))?;
        Ok(bytes)
    }
}

/// Copies, and tells an error of the stream from one of the file.
fn copy(from: &mut impl Read, to: &mut File, shown: &Path) -> Result<u64, CopyError> {
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(CopyError::Stream { source }),
        };
        io::Write::write_all(to, &buffer[..count])
            .map_err(|source| CopyError::Local { path: shown.to_owned(), source })?;
        bytes += count as u64;
    }
}

fn link_of(entry: &Entry<'_, impl Read>) -> Result<OsString, CopyError> {
    let link = entry.link_name_bytes();
    let link = link.ok_or_else(|| CopyError::Stream { source: io::ErrorKind::InvalidData.into() })?;
    Ok(OsStr::from_bytes(&link).to_owned())
}

fn escapes(path: &OsStr) -> CopyError {
    CopyError::Escapes { path: path.to_string_lossy().into_owned() }
}

fn times(mtime_secs: u64) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: i64::try_from(mtime_secs).unwrap_or(0), tv_nsec: 0 },
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    };

    use tar::{Builder, Header};

    use super::*;
    use crate::copy::pack;

    /// Makes a tar of entries as `kind path [link]`, also such as no honest program would make.
    fn tar_of(entries: &[(EntryType, &str, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (kind, path, link) in entries {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            let body: &[u8] = if *kind == EntryType::Regular { b"evil" } else { b"" };
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_size(body.len() as u64);
            header.set_cksum();
            builder.append(&header, body).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn nothing_lands_outside_the_target() {
        use EntryType::{Directory as D, Link as H, Regular as F, Symlink as S};
        let table: &[&[(EntryType, &str, &str)]] = &[
            &[(F, "top/../../out/x", "")],
            &[(F, "../out/x", "")],
            &[(F, "/out/x", "")],
            &[(D, "top", ""), (S, "top/l", "../../out"), (F, "top/l/x", "")],
            &[(D, "top", ""), (S, "top/l", "/"), (D, "top/l/out/x", "")],
            &[(S, "top", "../out"), (F, "top/x", "")],
            &[(D, "top", ""), (S, "top/l", "../../out/kept"), (H, "top/h", "../../out/kept")],
            &[(D, "top", ""), (H, "top/h", "/out/kept")],
            &[(D, "top", ""), (S, "top/l", "../../out"), (H, "top/h", "top/l/kept")],
            &[(D, "top", ""), (S, "top/l", "../../out"), (S, "top/l/x", "y")],
        ];
        for entries in table {
            let home = tempfile::tempdir().unwrap();
            let (out, target) = (home.path().join("out"), home.path().join("target"));
            fs::create_dir(&out).unwrap();
            fs::create_dir(&target).unwrap();
            fs::write(out.join("kept"), "kept").unwrap();
            let result = unpack(&tar_of(entries)[..], &target, Some("new"));
            assert!(
                matches!(result, Err(CopyError::Escapes { .. } | CopyError::Local { .. })),
                "{entries:?}"
            );
            let names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, ["kept"], "{entries:?}");
            assert_eq!(fs::metadata(out.join("kept")).unwrap().nlink(), 1, "{entries:?}");
            assert_eq!(fs::read(out.join("kept")).unwrap(), b"kept", "{entries:?}");
        }
    }

    #[test]
    fn a_link_that_is_in_the_way_is_replaced_and_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let outside = home.path().join("outside");
        fs::write(&outside, "kept").unwrap();
        let target = home.path().join("target");
        fs::create_dir(&target).unwrap();
        symlink(&outside, target.join("a")).unwrap();
        unpack(&tar_of(&[(EntryType::Regular, "a", "")])[..], &target, Some("a")).unwrap();
        assert_eq!(fs::read(&outside).unwrap(), b"kept");
        assert_eq!(fs::read(target.join("a")).unwrap(), b"evil");
    }

    fn tree(dir: &Path) {
        fs::create_dir_all(dir.join("sub/deep")).unwrap();
        fs::write(dir.join("sub/deep/file"), "text").unwrap();
        fs::write(dir.join("script"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(dir.join("script"), fs::Permissions::from_mode(0o751)).unwrap();
        fs::hard_link(dir.join("script"), dir.join("twin")).unwrap();
        symlink("../nowhere", dir.join("sub/link")).unwrap();
        symlink("./sub//deep/", dir.join("as it is")).unwrap();
        fs::write(dir.join("n".repeat(150)), "a long name").unwrap();
        fs::set_permissions(dir.join("sub/deep"), fs::Permissions::from_mode(0o555)).unwrap();
    }

    fn look(dir: &Path) -> Vec<String> {
        let mut found = Vec::new();
        let mut left = vec![dir.to_owned()];
        while let Some(path) = left.pop() {
            let metadata = fs::symlink_metadata(&path).unwrap();
            let content = if metadata.is_dir() {
                left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                String::new()
            } else if metadata.is_symlink() {
                fs::read_link(&path).unwrap().display().to_string()
            } else {
                format!("{} {}", metadata.nlink(), fs::read_to_string(&path).unwrap())
            };
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            found.push(format!("{name} {:o} {content}", metadata.mode()));
        }
        found.sort();
        found
    }

    #[test]
    fn what_is_packed_unpacks_as_the_same_tree() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        fs::create_dir(&from).unwrap();
        tree(&from);
        for (packed_name, name, landed) in
            [(Some("from"), Some("new"), "new"), (Some("from"), None, ""), (None, Some("top"), "top")]
        {
            let to = tempfile::tempdir().unwrap();
            let mut bytes = Vec::new();
            let packed = pack(&from, packed_name, &mut bytes).unwrap();
            assert_eq!(packed.bytes, 4 + 10 + 11, "the twin is sent once");
            if packed_name.is_none() {
                // Contents have no top to take away; that form only goes into machines.
                continue;
            }
            unpack(&bytes[..], to.path(), name).unwrap();
            let (want, found) = (look(&from), look(&to.path().join(landed)));
            // Of a directory that was there before, the mode is its own.
            let skip = usize::from(name.is_none());
            assert_eq!(want[skip..], found[skip..], "{name:?}");
        }
    }

    #[test]
    fn a_stream_that_ends_early_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("file");
        fs::write(&from, vec![7; 100_000]).unwrap();
        let mut bytes = Vec::new();
        pack(&from, Some("file"), &mut bytes).unwrap();
        let result = unpack(&bytes[..50_000], home.path(), Some("copy"));
        assert!(matches!(result, Err(CopyError::Stream { .. })), "{result:?}");
    }
}
