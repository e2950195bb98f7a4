//! What a file is, as far as its first bytes tell.

use crate::{decompress::Packing, ext4::Superblock};

/// `e_machine` of x86-64 in an ELF file.
pub(crate) const EM_X86_64: u16 = 62;

/// Says what bytes begin like, with an article.
pub(crate) fn describe(head: &[u8]) -> String {
    let is_text =
        !head.is_empty() && head.iter().all(|byte| matches!(byte, b'\n' | b'\r' | b'\t' | 0x20..=0x7e));
    let text = match head {
        [] => "an empty file",
        [0x7f, b'E', b'L', b'F', ..] => "an ELF program",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [b'Q', b'F', b'I', 0xfb, ..] => "a qcow2 disk",
        [b'h', b's', b'q', b's', ..] => "a squashfs file system",
        [b'X', b'F', b'S', b'B', ..] => "an XFS file system",
        [b'0', b'7', b'0', b'7', b'0', b'1', ..] => "a cpio archive",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "an ar archive or a package",
        _ if is_tar(head) => "a tar archive",
        _ if Superblock::is_in(head) => "an ext4 file system",
        _ if head.get(510..512) == Some(&[0x55, 0xaa]) => "a whole disk with a boot sector",
        _ if Packing::of(head) == Packing::Bzip2 => "packed with bzip2",
        _ if Packing::of(head) != Packing::Plain => "a packed file",
        _ if head.iter().all(|byte| *byte == 0) => "a file of zeros",
        _ if is_text => "a text",
        _ => "of no kind that is known",
    };
    text.to_owned()
}

pub(crate) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The name of a machine of an ELF file, where it is not ours.
pub(crate) fn foreign_machine(elf: &[u8]) -> Option<String> {
    let class = elf.get(4)?;
    let machine = u16::from_le_bytes(elf.get(18..20)?.try_into().ok()?);
    let name = match (class, machine) {
        (2, EM_X86_64) => return None,
        (_, 3) => "i386",
        (_, 40) => "arm",
        (_, 183) => "arm64",
        (_, 243) => "riscv",
        (_, 21) => "ppc64",
        (_, 22) => "s390x",
        (_, 8) => "mips",
        (_, EM_X86_64) => "x32",
        (_, number) => return Some(format!("the processor number {number} of ELF")),
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_how_they_begin() {
        for (head, want) in [
            (&b""[..], "an empty file"),
            (b"QFI\xfb\0\0\0\x03", "a qcow2 disk"),
            (b"#!/bin/sh\n", "a text"),
            (&[0; 2048], "a file of zeros"),
            (b"\x1f\x8b\x08", "a packed file"),
            (b"\xde\xad\xbe\xef", "of no kind that is known"),
        ] {
            assert_eq!(describe(head), want);
        }
    }
}
