//! What a file or a root is, as far as a look tells.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    Job,
    ext4::{self, Tree},
    image::ImageError,
    magic,
};

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
    match head.starts_with(b"\x7fELF").then(|| magic::foreign_machine(head)).flatten() {
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
