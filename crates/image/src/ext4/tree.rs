//! A tree of files on its way into a file system: contents on the host's disk, as anyone may write them;
//! owners, modes, devices and attributes beside it.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Timespec, Timestamps},
    io::Errno,
};

use crate::{Fault, fault::At};

/// The longest path in a tree, in bytes: `PATH_MAX`, less what the name of the tree may take.
const PATH_BYTES_MAX: usize = 3500;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Dir,
    File,
    Symlink,
    Fifo,
    Char { major: u32, minor: u32 },
    Block { major: u32, minor: u32 },
}

/// What is known of an entry beside its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) kind: Kind,
    /// The 12 bits of the permissions.
    pub(crate) mode: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    pub(crate) xattrs: Vec<(String, Vec<u8>)>,
}

impl Meta {
    /// An entry of root's.
    pub(crate) fn root(kind: Kind, mode: u16) -> Self {
        Self { kind, mode, uid: 0, gid: 0, mtime: 0, xattrs: vec![] }
    }

    /// The mode under which the contents lie on the host's disk: its owner can always read them.
    fn staged_mode(&self) -> u16 {
        self.mode | if self.kind == Kind::Dir { 0o700 } else { 0o600 }
    }

    pub(crate) fn needs_mode(&self) -> bool {
        match self.kind {
            Kind::Symlink => false,
            Kind::Dir | Kind::File => self.staged_mode() != self.mode,
            Kind::Fifo | Kind::Char { .. } | Kind::Block { .. } => true,
        }
    }

    /// The mode with the bits of its kind (inode(7)).
    pub(crate) fn inode_mode(&self) -> u16 {
        self.mode
            | match self.kind {
                Kind::Fifo => 0o010_000,
                Kind::Char { .. } => 0o020_000,
                Kind::Dir => 0o040_000,
                Kind::Block { .. } => 0o060_000,
                Kind::File => 0o100_000,
                Kind::Symlink => 0o120_000,
            }
    }
}

/// Why an entry has no place in a tree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TreeError {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The contents could not be read from where they come from.
    #[error("the contents end early")]
    Contents {
        /// What the reader said.
        source: io::Error,
    },
    /// The entry itself is wrong.
    #[error("{why}")]
    Entry {
        /// What is wrong with it, as a clause.
        why: &'static str,
    },
}

/// A tree that is being gathered.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: PathBuf,
    root: OwnedFd,
    metas: BTreeMap<Vec<u8>, Meta>,
    /// Bytes of all files, each rounded up to whole blocks.
    pub(crate) data_bytes: u64,
    last_parent: Option<(PathBuf, Place)>,
}

#[derive(Debug)]
struct Place {
    dir: std::rc::Rc<OwnedFd>,
    /// The directory's own path in the tree, links resolved: empty for the root.
    path: Vec<u8>,
}

impl Tree {
    /// Begins an empty tree in a new directory.
    pub(crate) fn new(dir: &Path) -> Result<Self, Fault> {
        fs::create_dir(dir).at("create", dir)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(dir, flags, Mode::empty()).at("open", dir)?;
        let metas = BTreeMap::from([(vec![], Meta::root(Kind::Dir, 0o755))]);
        Ok(Self { dir: dir.to_owned(), root, metas, data_bytes: 0, last_parent: None })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Every path with what is known of it; the root's is empty, the others begin without a slash.
    pub(crate) fn metas(&self) -> impl Iterator<Item = (&[u8], &Meta)> {
        self.metas.iter().map(|(path, meta)| (&path[..], meta))
    }

    pub(crate) fn len(&self) -> usize {
        self.metas.len()
    }

    /// Puts an entry that has no contents, or replaces it.
    pub(crate) fn add(&mut self, path: &Path, meta: Meta) -> Result<(), TreeError> {
        if meta.kind == Kind::Dir {
            return self.add_dir(path, meta);
        }
        let (place, name) = self.clear(path)?;
        self.note(&place, &name, meta);
        Ok(())
    }

    fn add_dir(&mut self, path: &Path, meta: Meta) -> Result<(), TreeError> {
        let Some((place, name)) = self.locate(path)? else {
            self.metas.insert(vec![], meta);
            return Ok(());
        };
        match rustix::fs::mkdirat(&*place.dir, &name[..], Mode::from_raw_mode(0o700)) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let stat = rustix::fs::statat(&*place.dir, &name[..], AtFlags::SYMLINK_NOFOLLOW);
                let stat = stat.at("read", path)?;
                if !rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir() {
                    self.clear(path)?;
                    rustix::fs::mkdirat(&*place.dir, &name[..], Mode::from_raw_mode(0o700))
                        .at("create", path)?;
                }
            }
            Err(error) => return Err(Fault::io("create", &self.dir.join(path), error.into()).into()),
        }
        let mode = Mode::from_raw_mode(meta.staged_mode().into());
        rustix::fs::chmodat(&*place.dir, &name[..], mode, AtFlags::empty()).at("change", path)?;
        self.note(&place, &name, meta);
        Ok(())
    }

    /// Puts a file, or replaces it.
    pub(crate) fn add_file(
        &mut self,
        path: &Path,
        meta: Meta,
        contents: &mut dyn Read,
    ) -> Result<(), TreeError> {
        let (place, name) = self.clear(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*place.dir, &name[..], flags, Mode::from_raw_mode(0o600));
        let mut file = File::from(fd.at("create", &self.dir.join(path))?);
        let size = copy(contents, &mut file, &self.dir)?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(meta.staged_mode().into())).at("change", path)?;
        let time = Timespec { tv_sec: meta.mtime, tv_nsec: 0 };
        let times = Timestamps { last_access: time, last_modification: time };
        rustix::fs::futimens(&file, &times).at("change", path)?;
        self.data_bytes += size.next_multiple_of(4096);
        self.note(&place, &name, meta);
        Ok(())
    }

    /// Puts a symbolic link, or replaces it.
    pub(crate) fn add_symlink(&mut self, path: &Path, target: &OsStr, meta: Meta) -> Result<(), TreeError> {
        let (place, name) = self.clear(path)?;
        rustix::fs::symlinkat(target, &*place.dir, &name[..]).at("create", &self.dir.join(path))?;
        self.note(&place, &name, meta);
        Ok(())
    }

    /// Puts another name of a file that is there.
    pub(crate) fn add_link(&mut self, path: &Path, target: &Path) -> Result<(), TreeError> {
        let Some((from, from_name)) = self.locate(target)? else {
            return Err(TreeError::Entry { why: "it links to the root" });
        };
        let Some(meta) = self.metas.get(&join(&from.path, &from_name)).cloned() else {
            return Err(TreeError::Entry { why: "it links to what is not there" });
        };
        let (place, name) = self.clear(path)?;
        match rustix::fs::linkat(&*from.dir, &from_name[..], &*place.dir, &name[..], AtFlags::empty()) {
            Ok(()) => {}
            // A device: it has no contents on the host's disk, and stands twice.
            Err(Errno::NOENT) if !matches!(meta.kind, Kind::File | Kind::Dir | Kind::Symlink) => {}
            Err(Errno::PERM) => return Err(TreeError::Entry { why: "it links to a directory" }),
            Err(error) => return Err(Fault::io("create", &self.dir.join(path), error.into()).into()),
        }
        self.note(&place, &name, meta);
        Ok(())
    }

    /// Takes away what stands at `path`, with all below; nothing there is no error.
    pub(crate) fn remove(&mut self, path: &Path) -> Result<(), TreeError> {
        if !self.exists(path) {
            return Ok(());
        }
        let Some((place, name)) = self.locate(path)? else { return Ok(()) };
        let own = join(&place.path, &name);
        crate::objects::remove_tree(&self.dir.join(OsStr::from_bytes(&own)))?;
        let below = [&own[..], b"/"].concat();
        self.metas.retain(|path, _| *path != own && !path.starts_with(&below));
        self.last_parent = None;
        Ok(())
    }

    /// Says whether something stands at `path`, links in it resolved within the tree.
    pub(crate) fn exists(&self, path: &Path) -> bool {
        let Some((parent, name)) = path.parent().zip(path.file_name()) else { return true };
        let own = |place: Place| self.metas.contains_key(&join(&place.path, name.as_bytes()));
        self.open_dir(parent).ok().is_some_and(own)
    }

    /// Opens a file of the tree to read, links resolved within the tree; `None` where there is none.
    pub(crate) fn open_file(&self, path: &Path) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let fd = rustix::fs::openat2(&self.root, path, flags, Mode::empty(), within).ok()?;
        let file = File::from(fd);
        file.metadata().is_ok_and(|meta| meta.is_file()).then_some(file)
    }

    /// The names in a directory of the tree.
    pub(crate) fn names_in(&self, dir: &Path) -> Vec<std::ffi::OsString> {
        let Ok(place) = self.open_dir(dir) else { return vec![] };
        let path = self.dir.join(OsStr::from_bytes(&place.path));
        fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect()
    }

    /// Gives the directories their times; to be called when nothing is added any more.
    pub(crate) fn finish(&self) -> Result<(), Fault> {
        for (path, meta) in self.metas.iter().rev().filter(|(_, meta)| meta.kind == Kind::Dir) {
            let path = self.dir.join(OsStr::from_bytes(path));
            let time = Timespec { tv_sec: meta.mtime, tv_nsec: 0 };
            let times = Timestamps { last_access: time, last_modification: time };
            rustix::fs::utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW).at("change", &path)?;
        }
        Ok(())
    }

    fn note(&mut self, place: &Place, name: &[u8], meta: Meta) {
        self.metas.insert(join(&place.path, name), meta);
    }

    /// Finds the place of `path` and takes away what stands there, if it is no full directory.
    fn clear(&mut self, path: &Path) -> Result<(Place, Vec<u8>), TreeError> {
        let Some((place, name)) = self.locate(path)? else {
            return Err(TreeError::Entry { why: "it would replace the root" });
        };
        self.metas.remove(&join(&place.path, &name));
        match rustix::fs::unlinkat(&*place.dir, &name[..], AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok((place, name)),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(Fault::io("remove", &self.dir.join(path), error.into()).into()),
        }
        match rustix::fs::unlinkat(&*place.dir, &name[..], AtFlags::REMOVEDIR) {
            Ok(()) => Ok((place, name)),
            Err(_) => Err(TreeError::Entry { why: "it would replace a directory that is not empty" }),
        }
    }

    /// Splits a path into its directory, opened, and its name; `None` for the root itself.
    fn locate(&mut self, path: &Path) -> Result<Option<(Place, Vec<u8>)>, TreeError> {
        let path = plain(path)?;
        let Some(name) = path.file_name() else { return Ok(None) };
        let name = name.as_bytes().to_owned();
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some((known, place)) = &self.last_parent
            && *known == parent
        {
            return Ok(Some((place.again(), name)));
        }
        let place = match self.open_dir(&parent) {
            Ok(place) => place,
            Err(Errno::NOENT) => self.make_dirs(&parent)?,
            Err(error) => return Err(unusable(error, &self.dir.join(parent))),
        };
        self.last_parent = Some((parent, place.again()));
        Ok(Some((place, name)))
    }

    /// Opens a directory; links are resolved as they would be in the guest, and lead out of nothing.
    fn open_dir(&self, path: &Path) -> Result<Place, Errno> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let dir = rustix::fs::openat2(&self.root, path, flags, Mode::empty(), within)?;
        let whole = real_path(&dir)?;
        let root = real_path(&self.root)?;
        let own = whole.strip_prefix(&root).map_err(|_| Errno::XDEV)?.as_os_str().as_bytes().to_owned();
        Ok(Place { dir: dir.into(), path: own })
    }

    /// Makes the directories that an archive left out.
    fn make_dirs(&mut self, path: &Path) -> Result<Place, TreeError> {
        let mut so_far = PathBuf::new();
        for part in path {
            so_far.push(part);
            match self.open_dir(&so_far) {
                Ok(_) => {}
                // A link that leads nowhere yet is kept as it is.
                Err(Errno::NOENT) if self.exists(&so_far) => return Err(unusable(Errno::NOENT, &so_far)),
                Err(Errno::NOENT) => self.add_dir(&so_far, Meta::root(Kind::Dir, 0o755))?,
                Err(error) => return Err(unusable(error, &self.dir.join(&so_far))),
            }
        }
        self.open_dir(path).map_err(|error| unusable(error, &self.dir.join(path)))
    }
}

impl Place {
    fn again(&self) -> Self {
        Self { dir: std::rc::Rc::clone(&self.dir), path: self.path.clone() }
    }
}

fn real_path(dir: &impl AsFd) -> Result<PathBuf, Errno> {
    let link = format!("/proc/self/fd/{}", dir.as_fd().as_raw_fd());
    fs::read_link(link).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() { name.to_owned() } else { [dir, b"/", name].concat() }
}

fn unusable(error: Errno, path: &Path) -> TreeError {
    match error {
        Errno::NOTDIR => TreeError::Entry { why: "it lies below what is no directory" },
        Errno::LOOP => TreeError::Entry { why: "it lies below a ring of links" },
        Errno::NOENT | Errno::EXIST => TreeError::Entry { why: "it lies below a link that leads nowhere" },
        Errno::NAMETOOLONG => TreeError::Entry { why: "its name is too long" },
        error => Fault::io("open", path, error.into()).into(),
    }
}

/// Takes the dots and the leading slash out of a path.
fn plain(path: &Path) -> Result<PathBuf, TreeError> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() > PATH_BYTES_MAX {
        return Err(TreeError::Entry { why: "its path is too long" });
    }
    if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        return Err(TreeError::Entry { why: "its name has a line break" });
    }
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(TreeError::Entry { why: "it leads out of the root (..)" });
            }
        }
    }
    Ok(plain)
}

/// Copies contents, telling a failure to read from one to write; long runs of zeros become holes.
fn copy(from: &mut dyn Read, to: &mut File, dir: &Path) -> Result<u64, TreeError> {
    use std::io::{Seek, SeekFrom, Write};
    let mut buf = vec![0; 256 << 10];
    let mut size = 0;
    let mut ends_in_hole = false;
    loop {
        let count = match from.read(&mut buf) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(TreeError::Contents { source }),
        };
        size += count as u64;
        ends_in_hole = count >= 4096 && buf[..count].iter().all(|byte| *byte == 0);
        if ends_in_hole {
            to.seek(SeekFrom::Current(i64::try_from(count).unwrap_or(0))).at("write", dir)?;
        } else {
            to.write_all(&buf[..count]).at("write", dir)?;
        }
    }
    if ends_in_hole {
        to.set_len(size).at("write", dir)?;
    }
    Ok(size)
}

#[cfg(test)]
mod tests;
