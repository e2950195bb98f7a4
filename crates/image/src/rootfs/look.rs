//! What a file or a root is, as far as a look tells.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    Job,
    decompress::Packing,
    ext4::{self, Superblock, Tree},
    image::ImageError,
    kernel,
};

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
        _ if kernel::is_tar(head) => "a tar archive",
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

/// Where a root has its shell or something like it, from the likeliest on.
const PROGRAMS: [&str; 8] = [
    "bin/sh",
    "usr/bin/dash",
    "usr/bin/bash",
    "bin/bash",
    "bin/busybox",
    "usr/bin/busybox",
    "sbin/init",
    "usr/bin/env",
];

const ROOT_DIRS: [&str; 3] = ["bin", "usr", "sbin"];

fn check_program(head: &[u8]) -> Result<(), ImageError> {
    match head.starts_with(b"\x7fELF").then(|| kernel::foreign_machine(head)).flatten() {
        Some(found) => Err(ImageError::WrongArchitecture { found }),
        None => Ok(()),
    }
}

/// Checks that an unpacked tree is a root, and for this processor.
pub(crate) fn check_tree(tree: &Tree) -> Result<(), ImageError> {
    if !ROOT_DIRS.iter().any(|dir| tree.exists(Path::new(dir))) {
        return Err(ImageError::NoRoot);
    }
    if let Some(file) = PROGRAMS.iter().find_map(|path| tree.open_file(Path::new(path))) {
        let mut head = vec![];
        let read = file.take(64).read_to_end(&mut head);
        read.map_err(|source| crate::Fault::Input { source })?;
        check_program(&head)?;
    }
    Ok(())
}

/// Checks that the file system on a disk is a root, and for this processor.
pub(crate) fn check_disk(disk: &Path, job: &Job) -> Result<(), ImageError> {
    let names = ext4::root_names(disk, job)?;
    if !ROOT_DIRS.iter().any(|dir| names.iter().any(|name| name == dir)) {
        return Err(ImageError::NoRoot);
    }
    for path in PROGRAMS {
        let path = PathBuf::from("/").join(path);
        if let Some(bytes) = ext4::read_file(disk, &path.to_string_lossy(), job)?
            && bytes.starts_with(b"\x7fELF")
        {
            return check_program(&bytes);
        }
    }
    Ok(())
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
