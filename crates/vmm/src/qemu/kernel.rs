//! Which of a kernel's two forms QEMU is given.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use crate::elf::{PT_NOTE, segments, u32_in};

/// The longest segment of notes that is read, in bytes; a kernel's has some hundred.
const NOTES_BYTES_MAX: u64 = 64 * 1024;

/// The note that says where a kernel is entered by the PVH boot protocol
/// (`XEN_ELFNOTE_PHYS32_ENTRY`, Linux, include/xen/interface/elfnote.h).
const PVH_ENTRY: (&[u8], u32) = (b"Xen\0", 18);

/// Returns the form that QEMU boots sooner: the unpacked kernel where it can be entered, the packed one
/// otherwise. A packed one is unpacked by the guest, which takes seconds where every instruction is
/// translated.
#[must_use]
pub fn preferred<'a>(vmlinux: &'a Path, packed: Option<&'a Path>) -> &'a Path {
    match packed {
        // A file that cannot be read is QEMU's to complain of.
        Some(packed) if !File::open(vmlinux).and_then(|elf| has_pvh_entry(&elf)).unwrap_or(false) => packed,
        _ => vmlinux,
    }
}

/// Whether a 64-bit ELF file has the note of an entry for PVH.
fn has_pvh_entry(elf: &File) -> io::Result<bool> {
    for notes in segments(elf)?.iter().filter(|segment| segment.kind == PT_NOTE) {
        let mut bytes = vec![0; usize::try_from(notes.len.min(NOTES_BYTES_MAX)).unwrap_or(0)];
        elf.read_exact_at(&mut bytes, notes.at)?;
        if holds(&bytes, PVH_ENTRY) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether notes (elf(5): lengths of name and content, kind, name, content, both padded to 4) hold one.
fn holds(mut notes: &[u8], (name, kind): (&[u8], u32)) -> bool {
    while notes.len() >= 12 {
        let lens = [u32_in(notes, 0), u32_in(notes, 4)].map(|len| usize::try_from(len).unwrap_or(usize::MAX));
        if u32_in(notes, 8) == kind && notes.get(12..).is_some_and(|rest| rest.starts_with(name)) {
            return lens[0] == name.len();
        }
        let padded = |len: usize| len.checked_next_multiple_of(4);
        let next = padded(lens[0]).zip(padded(lens[1])).and_then(|(name, content)| name.checked_add(content));
        notes = next.and_then(|next| notes.get(next.checked_add(12)?..)).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let mut note = vec![];
        for number in [name.len(), content.len()] {
            note.extend(u32::try_from(number).unwrap().to_le_bytes());
        }
        note.extend(kind.to_le_bytes());
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    /// A kernel with one segment of these notes, behind another segment.
    fn elf(notes: &[u8]) -> Vec<u8> {
        let mut elf = vec![0; 64 + 2 * 56];
        elf[32..40].copy_from_slice(&64_u64.to_le_bytes());
        elf[54..58].copy_from_slice(&[56, 0, 2, 0]);
        let header = 64 + 56;
        elf[header..header + 4].copy_from_slice(&PT_NOTE.to_le_bytes());
        let at = (elf.len() as u64).to_le_bytes();
        elf[header + 8..header + 16].copy_from_slice(&at);
        elf[header + 32..header + 40].copy_from_slice(&(notes.len() as u64).to_le_bytes());
        elf.extend(notes);
        elf
    }

    #[test]
    fn the_unpacked_kernel_is_taken_where_it_can_be_entered() {
        let dir = tempfile::tempdir().unwrap();
        let (vmlinux, packed) = (dir.path().join("vmlinux"), dir.path().join("vmlinuz"));
        let (id, entry) = (note(b"GNU\0", 3, b"abcdefg"), note(b"Xen\0", 18, &[0; 8]));
        for (content, taken) in [
            (elf(&[&id[..], &entry].concat()), &vmlinux),
            (elf(&entry), &vmlinux),
            (elf(&id), &packed),
            (elf(&note(b"Xen\0", 6, &[0; 8])), &packed),
            (elf(&note(b"XenX\0", 18, &[0; 8])), &packed),
            (elf(&[0xff; 64]), &packed),
            (elf(&[]), &packed),
            (elf(&entry)[..64 + 2 * 56 + 8].to_vec(), &packed),
            (vec![], &packed),
        ] {
            fs::write(&vmlinux, &content).unwrap();
            assert_eq!(preferred(&vmlinux, Some(&packed)), taken, "{content:?}");
            assert_eq!(preferred(&vmlinux, None), vmlinux);
        }
        fs::remove_file(&vmlinux).unwrap();
        assert_eq!(preferred(&vmlinux, Some(&packed)), packed);
    }
}
