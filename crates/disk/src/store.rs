//! The store of a snapshot: what a machine wrote over its image, as the device mapper keeps it.
//!
//! The format is that of drivers/md/dm-snap-persistent.c (Linux): chunks of a fixed size. Chunk 0 is the header: magic,
//! whether the snapshot is valid, version, and the size of a chunk in sectors, each 32 bits. From chunk 1 on, areas: one
//! chunk of pairs of 64 bits, each the number of a chunk of the disk and that of the chunk in the store that holds it
//! now, then as many chunks as there may be pairs. A pair whose second number is 0 ends the last area. All numbers are
//! little-endian.

use std::{
    fs::File,
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

use model::Size;

use crate::{Cancel, DiskError, sparse};

/// How much of a disk one entry is about, in bytes. A page: less is more entries, more is more to copy.
pub const CHUNK_BYTES: u64 = 4096;

const MAGIC: u32 = 0x7041_6e53;
const VERSION: u32 = 1;
const SECTOR_BYTES: u64 = 512;
const PAIR_BYTES: u64 = 16;
const PAIRS_AN_AREA: u64 = CHUNK_BYTES / PAIR_BYTES;

/// How long the store of a disk of this size has to be, so that it never fills: every chunk of it, a chunk of pairs for
/// each area, the header, and an empty pair to end with. It is sparse.
#[must_use]
pub fn len_for(size: Size) -> Size {
    let chunks = size.bytes().div_ceil(CHUNK_BYTES);
    let areas = chunks / PAIRS_AN_AREA + 1;
    Size::from_bytes((1 + chunks + areas).saturating_mul(CHUNK_BYTES))
}

/// Writes the disk that an image and a store make to the new file `to`, sparse, `growth` longer than the image. Nobody
/// may have the snapshot open.
///
/// # Errors
///
/// [`DiskError`]; what is in `to` is then nothing.
pub fn merge(image: &Path, store: &Path, to: &Path, growth: Size, cancel: &Cancel) -> Result<(), DiskError> {
    let no_source = |file: &Path| {
        let file = file.to_owned();
        move |source| DiskError::Source { file, source }
    };
    let from = File::open(image).map_err(no_source(image))?;
    let store_file = File::open(store).map_err(no_source(store))?;
    let failed = |source| DiskError::writing(to.to_owned(), source);
    let options = File::options().write(true).create_new(true).mode(0o600).open(to);
    let disk = options.map_err(failed)?;
    let cancelled = || DiskError::Cancelled { file: to.to_owned() };
    if !sparse::copy(&from, &disk, cancel).map_err(failed)? {
        return Err(cancelled());
    }
    let size = from.metadata().map_err(no_source(image))?.len().saturating_add(growth.bytes());
    disk.set_len(size).map_err(failed)?;
    let mut chunk = vec![0; usize::try_from(CHUNK_BYTES).unwrap_or(4096)];
    for (old, new) in pairs(&store_file).map_err(no_source(store))? {
        if cancel.is_cancelled() {
            return Err(cancelled());
        }
        if old.saturating_add(1).saturating_mul(CHUNK_BYTES) > size {
            return Err(no_source(store)(bad("a chunk lies beyond the disk")));
        }
        store_file.read_exact_at(&mut chunk, new * CHUNK_BYTES).map_err(no_source(store))?;
        disk.write_all_at(&chunk, old * CHUNK_BYTES).map_err(failed)?;
    }
    disk.sync_all().map_err(failed)
}

/// Where each chunk of the disk that was written is in the store.
fn pairs(store: &File) -> io::Result<Vec<(u64, u64)>> {
    let chunks = store.metadata()?.len() / CHUNK_BYTES;
    let mut header = [0; 16];
    store.read_exact_at(&mut header, 0)?;
    let word =
        |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    match (word(0), word(4), word(8), word(12)) {
        // Nothing was ever laid over the image.
        (Some(0), ..) => return Ok(vec![]),
        (Some(MAGIC), Some(1..), Some(VERSION), Some(sectors))
            if u64::from(sectors) * SECTOR_BYTES == CHUNK_BYTES => {}
        (Some(MAGIC), Some(0), ..) => return Err(bad("the snapshot was given up, for want of room")),
        _ => return Err(bad("it is no store of a snapshot")),
    }
    let mut pairs = vec![];
    let mut area = 1;
    let mut table = vec![0; usize::try_from(CHUNK_BYTES).unwrap_or(4096)];
    while area < chunks {
        store.read_exact_at(&mut table, area * CHUNK_BYTES)?;
        for pair in table.chunks_exact(usize::try_from(PAIR_BYTES).unwrap_or(16)) {
            let number = |at: usize| {
                pair.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
            };
            match (number(0), number(8)) {
                (_, 0) => return Ok(pairs),
                (_, new) if new >= chunks => return Err(bad("a chunk lies beyond its end")),
                pair => pairs.push(pair),
            }
        }
        area += 1 + PAIRS_AN_AREA;
    }
    Ok(pairs)
}

fn bad(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const CHUNK: usize = 4096;

    /// A store as the kernel writes one, in which these chunks of the disk were written, each with its number's last
    /// byte.
    fn store_with(dir: &Path, written: &[u64]) -> PathBuf {
        let path = dir.join("root.cow");
        let file = File::options().create(true).truncate(true).write(true).open(&path).unwrap();
        file.set_len(len_for(Size::from_mib(8)).bytes()).unwrap();
        for (at, word) in [MAGIC, 1, VERSION, 8].into_iter().enumerate() {
            file.write_all_at(&word.to_le_bytes(), at as u64 * 4).unwrap();
        }
        for (index, old) in (0..).zip(written) {
            let (area, place) = (index / PAIRS_AN_AREA, index % PAIRS_AN_AREA);
            let table = 1 + area * (1 + PAIRS_AN_AREA);
            let new = table + 1 + place;
            let at = table * CHUNK_BYTES + place * PAIR_BYTES;
            file.write_all_at(&old.to_le_bytes(), at).unwrap();
            file.write_all_at(&new.to_le_bytes(), at + 8).unwrap();
            file.write_all_at(&[old.to_le_bytes()[0]; CHUNK], new * CHUNK_BYTES).unwrap();
        }
        path
    }

    fn merged(dir: &Path, store: &Path) -> Result<Vec<u8>, DiskError> {
        let (image, to) = (dir.join("image"), dir.join("merged"));
        std::fs::write(&image, vec![0xEE; 4 << 20]).unwrap();
        std::fs::remove_file(&to).ok();
        merge(&image, store, &to, Size::from_mib(4), &Cancel::default())?;
        Ok(std::fs::read(&to).unwrap())
    }

    #[test]
    fn what_was_written_lies_over_the_image_and_the_rest_of_the_disk_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        // More than one area, over the image and beyond its end.
        let written: Vec<u64> = (0..300).map(|number| number * 6 + 1).collect();
        let disk = merged(dir.path(), &store_with(dir.path(), &written)).unwrap();
        assert_eq!(disk.len(), 8 << 20);
        for (number, chunk) in (0_u64..).zip(disk.chunks(CHUNK)) {
            let wanted = match number {
                _ if written.contains(&number) => number.to_le_bytes()[0],
                0..1024 => 0xEE,
                _ => 0,
            };
            assert!(chunk.iter().all(|byte| *byte == wanted), "chunk {number}");
        }
    }

    #[test]
    fn a_store_that_was_never_used_is_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("root.cow");
        File::create(&store).unwrap().set_len(len_for(Size::from_mib(8)).bytes()).unwrap();
        let disk = merged(dir.path(), &store).unwrap();
        assert_eq!((disk[(4 << 20) - 1], disk[4 << 20], disk.len()), (0xEE, 0, 8 << 20));
    }

    #[test]
    fn a_store_that_cannot_be_believed_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let change = |at: u64, bytes: &[u8]| {
            let store = store_with(dir.path(), &[0, 1]);
            File::options().write(true).open(&store).unwrap().write_all_at(bytes, at).unwrap();
            let error = merged(dir.path(), &store).unwrap_err();
            std::error::Error::source(&error).unwrap().to_string()
        };
        assert_eq!(change(0, b"none"), "it is no store of a snapshot");
        assert_eq!(change(4, &[0; 4]), "the snapshot was given up, for want of room");
        assert_eq!(change(12, &[16]), "it is no store of a snapshot");
        assert_eq!(change(CHUNK_BYTES, &[0xFF; 7]), "a chunk lies beyond the disk");
        assert_eq!(change(CHUNK_BYTES + 8, &[0xFF; 7]), "a chunk lies beyond its end");
    }

    #[test]
    fn a_store_has_room_for_every_chunk_and_one_pair_more() {
        for chunks in [0, 1, 255, 256, 257, 100_000] {
            let len = len_for(Size::from_bytes(chunks * CHUNK_BYTES)).bytes();
            let areas = chunks / PAIRS_AN_AREA + 1;
            assert_eq!(len, (1 + areas + chunks) * CHUNK_BYTES);
        }
    }
}
