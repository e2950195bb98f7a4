//! The room that files take: what the disk gave for them, and what of it others have as well.

use std::{
    collections::BTreeSet,
    fs::{self, File, Metadata},
    io,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::Path,
};

/// The unit of `st_blocks` (inode(7)).
const BLOCK_BYTES: u64 = 512;

/// A piece of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    device: u64,
    begin: u64,
    end: u64,
}

/// The room that a file or a tree takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    used_bytes: u64,
    /// What other files have as well: copies that share their blocks.
    shared: Vec<Piece>,
}

impl Room {
    /// Looks at a file or a tree; links are not followed, and a file of several names counts once. What cannot be
    /// looked at counts nothing, and what cannot be opened counts as its own alone.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let mut room = Self::default();
        room.add(path, &mut BTreeSet::new());
        room
    }

    fn add(&mut self, path: &Path, seen: &mut BTreeSet<(u64, u64)>) {
        let Ok(meta) = fs::symlink_metadata(path) else { return };
        if meta.nlink() > 1 && !meta.is_dir() && !seen.insert((meta.dev(), meta.ino())) {
            return;
        }
        self.used_bytes += meta.blocks() * BLOCK_BYTES;
        if meta.is_dir() {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.add(&entry.path(), seen);
            }
        } else if meta.is_file() && meta.blocks() > 0 {
            // A file system that shares nothing does not know the question.
            self.shared.extend(shared(path, &meta).unwrap_or_default());
        }
    }

    /// What the disk gave for it, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// What of that others have as well, in bytes: taking it away does not give that back.
    #[must_use]
    pub fn shared_bytes(&self) -> u64 {
        length(&mut self.shared.clone()).min(self.used_bytes)
    }

    /// The room that several take together, in bytes: what they share counts once.
    #[must_use]
    pub fn together(rooms: &[Self]) -> u64 {
        let own: u64 = rooms.iter().map(|room| room.used_bytes - room.shared_bytes()).sum();
        own + length(&mut rooms.iter().flat_map(|room| room.shared.iter().copied()).collect())
    }
}

/// The room that a file or a tree takes, in bytes; what cannot be read counts nothing.
#[must_use]
pub fn disk_used(path: &Path) -> u64 {
    let Ok(meta) = fs::symlink_metadata(path) else { return 0 };
    let own = meta.blocks() * BLOCK_BYTES;
    if !meta.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    own + entries.map(|entry| disk_used(&entry.path())).sum::<u64>()
}

/// The bytes in pieces that may lie over each other.
fn length(pieces: &mut Vec<Piece>) -> u64 {
    pieces.sort_unstable();
    let (mut sum, mut last) = (0, (0, 0));
    for piece in pieces {
        let begin = if piece.device == last.0 { piece.begin.max(last.1) } else { piece.begin };
        sum += piece.end.saturating_sub(begin);
        last = (piece.device, piece.end.max(begin));
    }
    sum
}

/// Extents that are asked for at once.
const EXTENTS: usize = 128;
/// More calls than any file needs: a disk of 1 TiB in pieces of 4 MiB has 2048 of them.
const CALLS_MAX: usize = 4096;

/// The pieces of a file that others have as well.
fn shared(path: &Path, meta: &Metadata) -> io::Result<Vec<Piece>> {
    let file = File::open(path)?;
    let (mut from, mut pieces) = (0, vec![]);
    for _ in 0..CALLS_MAX {
        let map = map_from(&file, from)?;
        let count = usize::try_from(map.mapped).unwrap_or(EXTENTS).min(EXTENTS);
        for extent in &map.extents[..count] {
            if extent.flags & EXTENT_SHARED != 0 && extent.flags & EXTENT_NOWHERE == 0 {
                let (begin, end) = (extent.physical, extent.physical + extent.length);
                pieces.push(Piece { device: meta.dev(), begin, end });
            }
            from = extent.logical + extent.length;
        }
        if count < EXTENTS || map.extents[count - 1].flags & EXTENT_LAST != 0 {
            break;
        }
    }
    Ok(pieces)
}

// linux/fiemap.h; the call and its structures are part of the kernel's stable interface.
const FS_IOC_FIEMAP: libc::Ioctl = 0xC020_660B;
const EXTENT_LAST: u32 = 0x1;
/// Its place is not known yet, or is no place.
const EXTENT_NOWHERE: u32 = 0x2;
const EXTENT_SHARED: u32 = 0x2000;

#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_too: [u32; 3],
}

#[repr(C)]
#[derive(Debug)]
struct Map {
    start: u64,
    length: u64,
    flags: u32,
    mapped: u32,
    count: u32,
    reserved: u32,
    extents: [Extent; EXTENTS],
}

#[expect(unsafe_code, reason = "no library offers this call")]
fn map_from(file: &File, start: u64) -> io::Result<Map> {
    let mut map = Map {
        start,
        length: u64::MAX - start,
        flags: 0,
        mapped: 0,
        count: u32::try_from(EXTENTS).unwrap_or(0),
        reserved: 0,
        extents: [Extent::default(); EXTENTS],
    };
    // SAFETY: the call writes at most `count` extents behind the head, and there are as many; the descriptor is open.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_FIEMAP, &raw mut map) };
    if result == 0 { Ok(map) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use super::*;

    fn room(used_bytes: u64, shared: &[(u64, u64)]) -> Room {
        let pieces = shared.iter().map(|&(begin, end)| Piece { device: 1, begin, end });
        Room { used_bytes, shared: pieces.collect() }
    }

    #[test]
    fn what_several_share_counts_once_together() {
        let (image, machine) = (room(100, &[(0, 100)]), room(130, &[(0, 40), (60, 100)]));
        assert_eq!((image.shared_bytes(), machine.shared_bytes()), (100, 80));
        assert_eq!(Room::together(&[image.clone(), machine.clone()]), 150, "50 are the machine's own");
        assert_eq!(Room::together(&[machine]), 130);
        let mut elsewhere = image.clone();
        elsewhere.shared.iter_mut().for_each(|piece| piece.device = 2);
        assert_eq!(Room::together(&[image, elsewhere]), 200);
    }

    #[test]
    fn holes_take_no_room_and_a_second_name_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sparse");
        let mut file = File::create(&path).unwrap();
        file.seek(SeekFrom::Start(1 << 30)).unwrap();
        file.write_all(&[1; 4096]).unwrap();
        file.sync_all().unwrap();
        let one = Room::of(&path);
        assert!((4096..1 << 20).contains(&one.used_bytes()), "{one:?}");
        fs::hard_link(&path, dir.path().join("again")).unwrap();
        let before = Room::of(dir.path()).used_bytes();
        fs::hard_link(&path, dir.path().join("more")).unwrap();
        assert_eq!(Room::of(dir.path()).used_bytes(), before);
        assert_eq!(one.used_bytes(), disk_used(&path));
        assert_eq!(Room::of(&dir.path().join("none")), Room::default());
    }

    #[test]
    fn copies_that_share_their_blocks_are_told_where_the_file_system_can() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, vec![7; 1 << 20]).unwrap();
        let (source, copy) = (File::open(&from).unwrap(), File::create(&to).unwrap());
        let can_share = rustix::fs::ioctl_ficlone(&copy, &source).is_ok();
        if !can_share {
            fs::copy(&from, &to).unwrap();
        }
        File::open(&to).unwrap().sync_all().unwrap();
        let rooms = [Room::of(&from), Room::of(&to)];
        let (sum, together) = (rooms.iter().map(Room::used_bytes).sum::<u64>(), Room::together(&rooms));
        let saved = sum - together;
        assert!(if can_share { saved >= 1 << 20 } else { saved == 0 }, "{rooms:?}");
    }
}
