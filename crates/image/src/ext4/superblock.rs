//! What an ext4 file system says about itself (Linux, Documentation/filesystems/ext4/super.rst).

use std::{fs::File, io, os::unix::fs::FileExt};

const OFFSET: u64 = 1024;
const BYTES: usize = 1024;
const MAGIC: u16 = 0xef53;

const INCOMPAT_RECOVER: u32 = 0x4;
const INCOMPAT_EXTENTS: u32 = 0x40;
const INCOMPAT_64BIT: u32 = 0x80;

/// Features without which a kernel does not mount, and that 6.1 knows, with their names.
const KNOWN_INCOMPAT: u32 = 0x2
    | INCOMPAT_RECOVER
    | 0x10
    | INCOMPAT_EXTENTS
    | INCOMPAT_64BIT
    | 0x200
    | 0x400
    | 0x2000
    | 0x4000
    | 0x8000
    | 0x10000
    | 0x20000;

/// Features without which a kernel mounts only to read, and that 6.1 knows.
const KNOWN_RO_COMPAT: u32 =
    0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x8000 | 0x10000;

/// The parts of a superblock that decide whether a guest can use the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) size_bytes: u64,
    incompat: u32,
    ro_compat: u32,
}

impl Superblock {
    /// Reads it; `None` where there is none.
    pub(crate) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [0; BYTES];
        match file.read_exact_at(&mut bytes, OFFSET) {
            Ok(()) => Ok(Self::parse(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Says whether the first 2 KiB of a file hold one.
    pub(crate) fn is_in(head: &[u8]) -> bool {
        head.get(1024 + 0x38..1024 + 0x3a) == Some(&MAGIC.to_le_bytes())
    }

    fn parse(bytes: &[u8; BYTES]) -> Option<Self> {
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        if u16_at(0x38) != MAGIC {
            return None;
        }
        let incompat = u32_at(0x60);
        let high = if incompat & INCOMPAT_64BIT == 0 { 0 } else { u32_at(0x150) };
        let blocks = u64::from(high) << 32 | u64::from(u32_at(0x4));
        let block_bytes = 1024_u64.checked_shl(u32_at(0x18)).filter(|bytes| *bytes <= 65536)?;
        Some(Self { size_bytes: blocks.checked_mul(block_bytes)?, incompat, ro_compat: u32_at(0x64) })
    }

    /// Says what keeps a guest's kernel from using it; `None` if nothing does.
    pub(crate) fn foreign(&self) -> Option<String> {
        if self.incompat & INCOMPAT_EXTENTS == 0 {
            return Some("it is ext2 or ext3".to_owned());
        }
        let unknown = (self.incompat & !KNOWN_INCOMPAT, self.ro_compat & !KNOWN_RO_COMPAT);
        match unknown {
            (0, 0) => None,
            (incompat, ro_compat) => Some(format!(
                "it has features that the guest's kernel does not know ({incompat:#x}, {ro_compat:#x})"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(incompat: u32, log_block: u32) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0x38..0x3a].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[0x4..0x8].copy_from_slice(&1000_u32.to_le_bytes());
        bytes[0x18..0x1c].copy_from_slice(&log_block.to_le_bytes());
        bytes[0x60..0x64].copy_from_slice(&incompat.to_le_bytes());
        bytes
    }

    #[test]
    fn what_a_guest_can_use_is_told_from_what_it_cannot() {
        for (incompat, log_block, want) in [
            (0x2c2, 2, Some(None)),
            (0x2, 2, Some(Some("it is ext2 or ext3"))),
            (
                0x40 | 0x80_0000,
                2,
                Some(Some("it has features that the guest's kernel does not know (0x800000, 0x0)")),
            ),
            (0x2c2, 77, None),
        ] {
            let block = Superblock::parse(&bytes(incompat, log_block));
            assert_eq!(block.map(|block| block.foreign()).as_ref().map(Option::as_deref), want);
        }
        assert_eq!(Superblock::parse(&bytes(0x42, 2)).unwrap().size_bytes, 4_096_000);
        assert_eq!(Superblock::parse(&[0; BYTES]), None);
    }
}
