//! A tree here, as a tar stream. Links are kept as links and never followed.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tar::{Builder, EntryType, Header};
use tree::append_link;

use super::CopyError;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Packed {
    /// Files, directories and links.
    pub(crate) entries: u64,
    /// Bytes of the files.
    pub(crate) bytes: u64,
    /// Sockets, pipes and devices, which mean nothing elsewhere.
    pub(crate) skipped: u64,
}

/// Writes the tree at `from` as a tar whose first entry is `name`; `None` for its contents alone.
pub(crate) fn pack(from: &Path, name: Option<&str>, to: impl Write) -> Result<Packed, CopyError> {
    let mut builder = Builder::new(to);
    let packed = append_tree(&mut builder, from, Path::new(name.unwrap_or("")))?;
    builder
        .finish()
        .and_then(|()| builder.get_mut().flush())
        .map_err(|source| CopyError::Stream { source })?;
    Ok(packed)
}

/// Appends the tree at `from` under `name`.
pub(crate) fn append_tree(
    builder: &mut Builder<impl Write>,
    from: &Path,
    name: &Path,
) -> Result<Packed, CopyError> {
    let mut packed = Packed::default();
    let mut seen = HashMap::new();
    let mut left = vec![(from.to_owned(), name.to_owned())];
    while let Some((path, name)) = left.pop() {
        let local = |source| CopyError::Local { path: path.clone(), source };
        let metadata = fs::symlink_metadata(&path).map_err(local)?;
        append(builder, &path, &name, &metadata, &mut seen, &mut packed)?;
        if metadata.is_dir() {
            let children: io::Result<Vec<_>> = fs::read_dir(&path).map_err(local)?.collect();
            let mut children: Vec<_> = children.map_err(local)?.iter().map(fs::DirEntry::file_name).collect();
            children.sort_unstable_by(|a, b| b.cmp(a));
            left.extend(children.into_iter().map(|child| (path.join(&child), name.join(&child))));
        }
    }
    Ok(packed)
}

/// Which file it is, and the name under which it was sent first.
type Seen = HashMap<(u64, u64), PathBuf>;

fn append(
    builder: &mut Builder<impl Write>,
    path: &Path,
    name: &Path,
    metadata: &Metadata,
    seen: &mut Seen,
    packed: &mut Packed,
) -> Result<(), CopyError> {
    let kind = metadata.file_type();
    if kind.is_socket() || kind.is_fifo() || kind.is_block_device() || kind.is_char_device() {
        packed.skipped += 1;
        return Ok(());
    }
    let local = |source| CopyError::Local { path: path.to_owned(), source };
    // The contents of a directory are sent without the directory itself.
    if name.as_os_str().is_empty() {
        return if kind.is_dir() { Ok(()) } else { Err(local(io::ErrorKind::NotADirectory.into())) };
    }
    packed.entries += 1;
    let mut header = Header::new_gnu();
    header.set_mode(metadata.mode() & 0o7777);
    header.set_mtime(u64::try_from(metadata.mtime()).unwrap_or(0));
    header.set_size(0);
    let first = if metadata.nlink() > 1 { seen.get(&(metadata.dev(), metadata.ino())) } else { None };
    let written = if kind.is_dir() {
        header.set_entry_type(EntryType::Directory);
        builder.append_data(&mut header, name.join(""), io::empty())
    } else if kind.is_symlink() {
        append_link(builder, &mut header, name, fs::read_link(path).map_err(local)?.as_os_str())
    } else if let Some(first) = first {
        header.set_entry_type(EntryType::Link);
        builder.append_link(&mut header, name, first)
    } else {
        seen.insert((metadata.dev(), metadata.ino()), name.to_owned());
        header.set_entry_type(EntryType::Regular);
        return append_file(builder, &mut header, path, name, packed);
    };
    written.map_err(|source| CopyError::Stream { source })
}

fn append_file(
    builder: &mut Builder<impl Write>,
    header: &mut Header,
    path: &Path,
    name: &Path,
    packed: &mut Packed,
) -> Result<(), CopyError> {
    let local = |source| CopyError::Local { path: path.to_owned(), source };
    // Whoever puts a link here between the look and this gets an error.
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nofollow).open(path).map_err(local)?;
    let size = file.metadata().map_err(local)?.len();
    header.set_size(size);
    let mut exactly = file.take(size);
    builder.append_data(header, name, &mut exactly).map_err(|source| CopyError::Stream { source })?;
    packed.bytes += size;
    // A log that grows is sent as long as it was; one that shrinks would shift all that follows.
    if exactly.limit() > 0 {
        return Err(CopyError::Shrank { path: path.to_owned() });
    }
    Ok(())
}
