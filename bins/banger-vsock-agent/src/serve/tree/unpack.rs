//! A tar stream as files below a directory. Nothing lands outside of it, whatever links it holds or the stream brings.
//!
//! Directories stay open while entries for them come one after the other: a path that is resolved from the top for each
//! file costs more than the file.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Component, Path, PathBuf},
};

use guest::Written;
use rustix::{
    fs::{
        AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps, fchmod, futimens, linkat, mkdirat, openat,
        openat2, symlinkat, unlinkat, utimensat,
    },
    io::Errno,
};
use tar::{Archive, Entry, EntryType};

/// What is written at once, in bytes; a hole of a sparse file is found in pieces of this length.
const WRITE_BYTES: usize = 64 * 1024;
/// The bits of a mode.
const MODE_BITS: u32 = 0o7777;

/// Writes the tree of a tar stream below the directory `below`, which is made where it is not there. What is there is
/// replaced, but directories are not; links that lead to elsewhere below it are followed, except the last of a path.
///
/// # Errors
///
/// `InvalidInput` for an entry that would land outside, or is neither a file, a directory nor a link; else what the disk or
/// the stream said. What was written until then stays.
pub(super) fn unpack(from: impl Read, below: &Path) -> io::Result<Written> {
    fs::create_dir_all(below)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(below, flags, Mode::empty())?;
    let mut tree = Tree { root, opened: None, buffer: vec![0; WRITE_BYTES] };
    let mut written = Written::default();
    let mut made_dirs = vec![];
    for entry in Archive::new(from).entries()? {
        let mut entry = entry?;
        written.entries += 1;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != EntryType::Directory {
            written.bytes += entry.size();
        }
        let put = tree.put(&mut entry, &mut made_dirs);
        put.map_err(|error| io::Error::new(error.kind(), told(&name, &error)))?;
    }
    // Their modes and times come last and the innermost first, or what lands in them would change both.
    made_dirs.sort_by(|(a, ..), (b, ..)| b.cmp(a));
    for (path, mode, times) in made_dirs {
        let finished = tree.finish_dir(&path, mode, &times);
        finished.map_err(|error| io::Error::new(error.kind(), told(&path.to_string_lossy(), &error)))?;
    }
    Ok(written)
}

fn told(name: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidInput => format!("the entry {name:?} {error}"),
        _ => format!("{name}: {}", crate::words::of(error)),
    }
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// A directory that came, and the mode and times that it is to have.
type Dir = (PathBuf, Mode, Timestamps);

struct Tree {
    root: OwnedFd,
    /// The directory in which the last entry landed.
    opened: Option<(PathBuf, OwnedFd)>,
    buffer: Vec<u8>,
}

impl Tree {
    fn put(&mut self, entry: &mut Entry<'_, impl Read>, dirs: &mut Vec<Dir>) -> io::Result<()> {
        let path = below(Path::new(OsStr::from_bytes(&entry.path_bytes())))?;
        let mode = Mode::from_raw_mode(entry.header().mode()? & MODE_BITS);
        let times = times(entry.header().mtime()?);
        match entry.header().entry_type() {
            EntryType::Directory => {
                self.open_dir(&path)?;
                dirs.push((path, mode, times));
                Ok(())
            }
            EntryType::Symlink => self.put_symlink(&path, &link_of(entry)?, &times),
            EntryType::Link => self.put_hard_link(&path, &below(Path::new(&link_of(entry)?))?),
            EntryType::Regular | EntryType::Continuous => self.put_file(&path, entry, false, mode, &times),
            EntryType::GNUSparse => self.put_file(&path, entry, true, mode, &times),
            _ => Err(bad("is neither a file, a directory nor a link")),
        }
    }

    fn put_file(
        &mut self,
        path: &Path,
        from: &mut impl Read,
        has_holes: bool,
        mode: Mode,
        times: &Timestamps,
    ) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = self.make(path, |dir, name| openat(dir, name, flags, Mode::RUSR | Mode::WUSR))?;
        let mut file = File::from(file);
        self.fill(&mut file, from, has_holes)?;
        fchmod(&file, mode)?;
        Ok(futimens(&file, times)?)
    }

    fn fill(&mut self, file: &mut File, from: &mut impl Read, has_holes: bool) -> io::Result<()> {
        let mut bytes = 0;
        loop {
            let count = match from.read(&mut self.buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count?,
            };
            let piece = &self.buffer[..count];
            if has_holes && piece.iter().all(|byte| *byte == 0) {
                file.seek(SeekFrom::Current(i64::try_from(count).map_err(io::Error::other)?))?;
            } else {
                file.write_all(piece)?;
            }
            bytes += count as u64;
        }
        // One that ends with a hole is longer than what was written.
        if has_holes { file.set_len(bytes) } else { Ok(()) }
    }

    fn put_symlink(&mut self, path: &Path, to: &OsStr, times: &Timestamps) -> io::Result<()> {
        self.make(path, |dir, name| {
            symlinkat(to, dir, name)?;
            utimensat(dir, name, times, AtFlags::SYMLINK_NOFOLLOW)
        })
    }

    fn put_hard_link(&mut self, path: &Path, first: &Path) -> io::Result<()> {
        let (parent, first) = split(first)?;
        let of = self.open_dir(parent)?;
        self.make(path, |dir, name| linkat(&of, first, dir, name, AtFlags::empty()))
    }

    /// Makes something at `path`, in the place of what is there.
    fn make<T>(
        &mut self,
        path: &Path,
        create: impl Fn(&OwnedFd, &OsStr) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let (parent, name) = split(path)?;
        let dir = self.keep_open(parent)?;
        match create(dir, name) {
            Err(Errno::EXIST) => {
                // Never a directory, and never what a link leads to.
                unlinkat(dir, name, AtFlags::empty())?;
                let new = create(dir, name)?;
                // The path to what is open may have led through what is gone.
                self.opened = None;
                Ok(new)
            }
            new => Ok(new?),
        }
    }

    /// Opens a directory, which stays open until another is.
    fn keep_open(&mut self, path: &Path) -> io::Result<&OwnedFd> {
        let opened = match self.opened.take() {
            Some((at, dir)) if at == path => (at, dir),
            _ => (path.to_owned(), self.open_dir(path)?),
        };
        Ok(&self.opened.insert(opened).1)
    }

    /// Opens a directory; makes it, and those above it, where they are not there.
    fn open_dir(&self, path: &Path) -> io::Result<OwnedFd> {
        match self.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (parent, name) = split(path)?;
                let parent = self.open_dir(parent)?;
                match mkdirat(parent, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
                    Ok(()) | Err(Errno::EXIST) => self.open(path),
                    Err(errno) => Err(errno.into()),
                }
            }
            opened => opened,
        }
    }

    /// Opens a directory that is there, by whatever links that stay below.
    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.root, path, flags, Mode::empty(), resolve) {
            Err(Errno::XDEV) => Err(bad("leaves the directory")),
            opened => Ok(opened?),
        }
    }

    fn finish_dir(&self, path: &Path, mode: Mode, times: &Timestamps) -> io::Result<()> {
        let dir = self.open(path)?;
        // The top was there before, or is whoever's who named it.
        if !path.as_os_str().is_empty() {
            fchmod(&dir, mode)?;
        }
        Ok(futimens(&dir, times)?)
    }
}

/// Where an entry lands, from the top; empty for the top itself.
fn below(sent: &Path) -> io::Result<PathBuf> {
    let parts = sent.components().filter(|part| !matches!(part, Component::CurDir | Component::RootDir));
    let parts = parts.map(|part| match part {
        Component::Normal(part) => Ok(part),
        _ => Err(bad("leaves the directory")),
    });
    parts.collect()
}

fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    path.parent().zip(path.file_name()).ok_or_else(|| bad("has no name"))
}

fn link_of(entry: &Entry<'_, impl Read>) -> io::Result<OsString> {
    let link = entry.link_name_bytes().ok_or_else(|| bad("is a link to nothing"))?;
    Ok(OsStr::from_bytes(&link).to_owned())
}

fn times(mtime_secs: u64) -> Timestamps {
    let time = Timespec { tv_sec: i64::try_from(mtime_secs).unwrap_or(i64::MAX), tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use tar::{Builder, Header};

    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut tar = Builder::new(vec![]);
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(if *kind == EntryType::Directory { 0o750 } else { 0o640 });
            header.set_mtime(1_000_000);
            // Written past the library, which would not write a name that leaves.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if is_link {
                header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
            }
            let data = if is_link { "" } else { content };
            header.set_size(data.len() as u64);
            header.set_cksum();
            tar.append(&header, data.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn modes_times_and_links_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let tar = archive(&[
            ("a/", EntryType::Directory, ""),
            ("a/b/c", EntryType::Regular, "hello"),
            ("a/link", EntryType::Symlink, "../../outside"),
        ]);
        let below = dir.path().join("new/below");
        let written = unpack(&tar[..], &below).unwrap();
        assert_eq!(written, Written { entries: 3, bytes: 5 });
        assert_eq!(fs::read(below.join("a/b/c")).unwrap(), b"hello");
        for (name, mode) in [("a", 0o750), ("a/b/c", 0o640)] {
            let metadata = fs::metadata(below.join(name)).unwrap();
            assert_eq!(
                (metadata.permissions().mode() & 0o777, metadata.mtime()),
                (mode, 1_000_000),
                "{name}"
            );
        }
        assert_eq!(fs::read_link(below.join("a/link")).unwrap(), Path::new("../../outside"));
    }

    #[test]
    fn nothing_is_written_outside() {
        for entries in [
            &[("../evil", EntryType::Regular, "x")][..],
            &[("a/../../evil", EntryType::Regular, "x")],
            &[("out", EntryType::Symlink, ".."), ("out/evil", EntryType::Regular, "x")],
            &[("pipe", EntryType::Fifo, "")],
            &[("null", EntryType::Char, "")],
            &[("hard", EntryType::Link, "../secret")],
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("secret"), "s").unwrap();
            let below = dir.path().join("below");
            assert!(unpack(&archive(entries)[..], &below).is_err(), "{entries:?}");
            assert!(!dir.path().join("evil").exists(), "{entries:?}");
        }
    }

    #[test]
    fn a_file_replaces_a_link_and_is_not_written_through_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("target"), "old").unwrap();
        let below = dir.path().join("below");
        fs::create_dir(&below).unwrap();
        symlink("../target", below.join("file")).unwrap();
        unpack(&archive(&[("file", EntryType::Regular, "new")])[..], &below).unwrap();
        assert_eq!(fs::read(dir.path().join("target")).unwrap(), b"old");
        assert_eq!(fs::read(below.join("file")).unwrap(), b"new");
    }

    #[test]
    fn an_archive_that_breaks_off_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let tar = archive(&[("file", EntryType::Regular, &"x".repeat(5000))]);
        assert!(unpack(&tar[..2000], dir.path()).is_err());
    }

    #[test]
    fn links_that_stay_below_are_followed_and_a_directory_keeps_its_place() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        symlink("real", dir.path().join("link")).unwrap();
        let tar = archive(&[
            ("link/one", EntryType::Regular, "1"),
            ("link", EntryType::Directory, ""),
            ("real/two", EntryType::Link, "link/one"),
        ]);
        unpack(&tar[..], dir.path()).unwrap();
        assert_eq!(fs::read_link(dir.path().join("link")).unwrap(), Path::new("real"));
        let inode = |name| fs::metadata(dir.path().join(name)).unwrap().ino();
        assert_eq!(inode("real/one"), inode("real/two"));
        let over = archive(&[("real", EntryType::Regular, "x")]);
        assert!(unpack(&over[..], dir.path()).is_err());
        assert!(dir.path().join("real/one").exists());
    }

    #[test]
    fn what_a_link_led_to_is_not_written_to_when_the_link_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        symlink("real", dir.path().join("link")).unwrap();
        let tar = archive(&[
            ("link/one", EntryType::Regular, "1"),
            ("link", EntryType::Regular, "a file"),
            ("link/two", EntryType::Regular, "2"),
        ]);
        assert!(unpack(&tar[..], dir.path()).is_err());
        assert!(!dir.path().join("real/two").exists());
        assert_eq!(fs::read(dir.path().join("link")).unwrap(), b"a file");
    }

    #[test]
    fn holes_stay_holes() {
        const LENGTH: u64 = 8 << 20;
        let dir = tempfile::tempdir().unwrap();
        let file = fs::File::create(dir.path().join("sparse")).unwrap();
        file.set_len(LENGTH).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, b"in the middle", LENGTH / 2).unwrap();
        let mut tar = Builder::new(vec![]);
        tar.append_path_with_name(dir.path().join("sparse"), "sparse").unwrap();
        let below = dir.path().join("below");
        unpack(&tar.into_inner().unwrap()[..], &below).unwrap();
        let written = below.join("sparse");
        assert_eq!(fs::read(&written).unwrap(), fs::read(dir.path().join("sparse")).unwrap());
        let blocks = |path: &Path| fs::metadata(path).unwrap().blocks();
        assert!(blocks(&written) * 512 < LENGTH / 4, "{} blocks", blocks(&written));
    }
}
