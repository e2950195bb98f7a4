//! From a root tar to a tree, as anyone: what only root could set is kept beside it.

use std::{
    ffi::OsStr,
    io::{self, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use tar::{Archive, Entry, EntryType};

use crate::{
    Job,
    ext4::{Kind, Meta, Tree, TreeError},
    fault::readable,
    image::ImageError,
};

/// The most entries of a tar that is unpacked.
const ENTRIES_MAX: usize = 4_000_000;

/// Unpacks a plain tar into a new directory.
pub(crate) fn unpack(reader: impl Read, dir: &Path, job: &Job) -> Result<Tree, ImageError> {
    let mut end = EndWatch { inner: reader, is_at_end: false };
    let mut tree = Tree::new(dir)?;
    let mut archive = Archive::new(&mut end);
    let entries = archive.entries().map_err(|error| truncated(Some(error)))?;
    for (count, entry) in entries.enumerate() {
        job.check()?;
        let entry = entry.map_err(|error| truncated(Some(error)))?;
        if count >= ENTRIES_MAX {
            return Err(ImageError::Entry { entry: "…".to_owned(), why: "it is one too many" });
        }
        add(&mut tree, entry)?;
    }
    // A whole archive ends with blocks of zeros, before the stream does.
    if end.is_at_end { Err(truncated(None)) } else { Ok(tree) }
}

fn truncated(source: Option<io::Error>) -> ImageError {
    ImageError::Truncated { what: "the archive", source: source.and_then(readable) }
}

fn add(tree: &mut Tree, mut entry: Entry<'_, impl Read>) -> Result<(), ImageError> {
    let path = PathBuf::from(OsStr::from_bytes(&entry.path_bytes()));
    let of_entry = |error| match error {
        TreeError::Fault(fault) => ImageError::Fault(fault),
        TreeError::Contents { source } => truncated(Some(source)),
        TreeError::Entry { why } => ImageError::Entry { entry: path.display().to_string(), why },
    };
    let bad = |why| of_entry(TreeError::Entry { why });
    let link = entry.link_name_bytes().map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)));
    let kind = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
        EntryType::Directory => Kind::Dir,
        EntryType::Symlink => Kind::Symlink,
        EntryType::Fifo => Kind::Fifo,
        EntryType::Char => {
            numbers(&entry).map(|(major, minor)| Kind::Char { major, minor }).map_err(&of_entry)?
        }
        EntryType::Block => {
            numbers(&entry).map(|(major, minor)| Kind::Block { major, minor }).map_err(&of_entry)?
        }
        EntryType::Link => {
            let target = link.ok_or_else(|| bad("it links to nothing"))?;
            return tree.add_link(&path, &target).map_err(of_entry);
        }
        // Remarks about the archive itself.
        EntryType::XGlobalHeader => return Ok(()),
        _ => return Err(bad("it is of a kind that is not known")),
    };
    let meta = meta(&mut entry, kind).map_err(&of_entry)?;
    match &meta.kind {
        Kind::File => tree.add_file(&path, meta, &mut entry),
        Kind::Symlink => {
            let target = link.ok_or_else(|| bad("it links to nothing"))?;
            tree.add_symlink(&path, target.as_os_str(), meta)
        }
        _ => tree.add(&path, meta),
    }
    .map_err(of_entry)
}

fn numbers(entry: &Entry<'_, impl Read>) -> Result<(u32, u32), TreeError> {
    let bad = |_| TreeError::Entry { why: "its header is damaged" };
    let (major, minor) = (entry.header().device_major(), entry.header().device_minor());
    Ok((major.map_err(bad)?.unwrap_or(0), minor.map_err(bad)?.unwrap_or(0)))
}

fn meta(entry: &mut Entry<'_, impl Read>, kind: Kind) -> Result<Meta, TreeError> {
    let bad = |_| TreeError::Entry { why: "its header is damaged" };
    let header = entry.header();
    let small =
        |id: u64| u32::try_from(id).map_err(|_| TreeError::Entry { why: "its owner's number is too large" });
    let mut meta = Meta {
        kind,
        mode: u16::try_from(header.mode().map_err(bad)? & 0o7777).unwrap_or(0),
        uid: small(header.uid().map_err(bad)?)?,
        gid: small(header.gid().map_err(bad)?)?,
        mtime: i64::try_from(header.mtime().map_err(bad)?).unwrap_or(0),
        xattrs: vec![],
    };
    let Some(extensions) = entry.pax_extensions().map_err(|source| TreeError::Contents { source })? else {
        return Ok(meta);
    };
    for extension in extensions {
        let extension = extension.map_err(|source| TreeError::Contents { source })?;
        let Ok(key) = extension.key() else { continue };
        let number = || extension.value().ok().and_then(|text| text.parse::<u32>().ok());
        let damaged = TreeError::Entry { why: "its extended header is damaged" };
        match key {
            "uid" => meta.uid = number().ok_or(damaged)?,
            "gid" => meta.gid = number().ok_or(damaged)?,
            _ if key.starts_with("GNU.sparse.") => {
                return Err(TreeError::Entry { why: "it is a sparse file of a form that is not known" });
            }
            _ => {
                if let Some(name) = key.strip_prefix("SCHILY.xattr.").filter(|name| is_kept(name)) {
                    meta.xattrs.push((name.to_owned(), extension.value_bytes().to_owned()));
                }
            }
        }
    }
    Ok(meta)
}

/// Attributes that a guest understands; the labels of another system's policy are not among them.
fn is_kept(name: &str) -> bool {
    let is_plain = !name.contains(['\n', '\r', '\0']);
    is_plain
        && (name.starts_with("user.")
            || name == "security.capability"
            || name.starts_with("system.posix_acl_"))
}

/// Notes whether the stream ended.
#[derive(Debug)]
struct EndWatch<R> {
    inner: R,
    is_at_end: bool,
}

impl<R: Read> Read for EndWatch<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.is_at_end |= count == 0 && !buf.is_empty();
        Ok(count)
    }
}
