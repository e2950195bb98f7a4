//! What an executable says of itself (elf(5)): its segments. 64 bits and little-endian alone.

use std::{fs::File, io, os::unix::fs::FileExt};

/// A segment of notes.
pub(crate) const PT_NOTE: u32 = 4;
/// The name of the loader that a dynamic program needs.
pub(crate) const PT_INTERP: u32 = 3;

/// Segments that are looked at; a kernel has five.
const SEGMENTS_MAX: u16 = 64;

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// What it holds.
    pub(crate) kind: u32,
    /// Where it begins in the file, in bytes.
    pub(crate) at: u64,
    /// Its length in the file, in bytes.
    pub(crate) len: u64,
}

/// Reads the table of the segments. What is no ELF file has any or none.
pub(crate) fn segments(elf: &File) -> io::Result<Vec<Segment>> {
    let mut head = [0; 64];
    elf.read_exact_at(&mut head, 0)?;
    let (table, entry_bytes, count) = (u64_in(&head, 32), u16_in(&head, 54), u16_in(&head, 56));
    let read = |index: u16| {
        let mut header = [0; 56];
        let at = u64::from(index) * u64::from(entry_bytes);
        elf.read_exact_at(&mut header, table.saturating_add(at))?;
        Ok(Segment { kind: u32_in(&header, 0), at: u64_in(&header, 8), len: u64_in(&header, 32) })
    };
    (0..count.min(SEGMENTS_MAX)).map(read).collect()
}

/// Whether a program needs nothing but the kernel: it is an ELF file without a loader.
pub(crate) fn is_static(program: &File) -> io::Result<bool> {
    let mut magic = [0; 4];
    program.read_exact_at(&mut magic, 0)?;
    Ok(magic == *b"\x7fELF" && segments(program)?.iter().all(|segment| segment.kind != PT_INTERP))
}

pub(crate) fn u16_in(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn u32_in(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_in(bytes, at)) | u32::from(u16_in(bytes, at + 2)) << 16
}

pub(crate) fn u64_in(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_in(bytes, at)) | u64::from(u32_in(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_host_is_dynamic_and_a_script_is_no_program() {
        let is_static = |path: &str| is_static(&File::open(path).unwrap()).unwrap();
        assert!(!is_static("/proc/self/exe"), "tests are linked as every program is");
        assert!(!is_static(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")));
    }
}
