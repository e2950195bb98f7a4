//! Git's objects: named by what they hold, and kept as it keeps them.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use flate2::{Compression, write::ZlibEncoder};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::{WorkspaceError, repository::ObjectFormat};

/// The name of a blob, while it is read.
#[derive(Debug)]
pub(crate) enum Naming {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Naming {
    /// Begins the name of a blob of so many bytes.
    pub(crate) fn blob(format: ObjectFormat, size: u64) -> Self {
        let mut naming = match format {
            ObjectFormat::Sha1 => Self::Sha1(Sha1::new()),
            ObjectFormat::Sha256 => Self::Sha256(Sha256::new()),
        };
        naming.update(format!("blob {size}\0").as_bytes());
        naming
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> String {
        match self {
            Self::Sha1(hash) => hex(&hash.finalize()),
            Self::Sha256(hash) => hex(&hash.finalize()),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Keeps a blob of `size` bytes as a loose object below `objects`, if it is still the one that is called `oid`;
/// returns whether it is.
pub(crate) fn keep_blob(
    objects: &Path,
    format: ObjectFormat,
    oid: &str,
    size: u64,
    from: impl Read,
) -> Result<bool, WorkspaceError> {
    let scratch = |path: &Path, source| WorkspaceError::Scratch { path: path.to_owned(), source };
    let (dir, name) = oid.split_at(2);
    let dir = objects.join(dir);
    let path = dir.join(name);
    if path.exists() {
        return Ok(true);
    }
    fs::create_dir_all(&dir).map_err(|source| scratch(&dir, source))?;
    let file = File::create(&path).map_err(|source| scratch(&path, source))?;
    let found = write_blob(file, format, size, from).map_err(|source| scratch(&path, source))?;
    if found != oid {
        fs::remove_file(&path).map_err(|source| scratch(&path, source))?;
    }
    Ok(found == oid)
}

fn write_blob(to: File, format: ObjectFormat, size: u64, mut from: impl Read) -> io::Result<String> {
    let mut naming = Naming::blob(format, size);
    let mut zlib = ZlibEncoder::new(to, Compression::fast());
    zlib.write_all(format!("blob {size}\0").as_bytes())?;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            zlib.finish()?;
            return Ok(naming.finish());
        }
        naming.update(&piece[..count]);
        zlib.write_all(&piece[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_called_as_git_calls_them() {
        for (content, format, oid) in [
            ("", ObjectFormat::Sha1, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
            ("hello\n", ObjectFormat::Sha1, "ce013625030ba8dba906f756967f9e9ca394464a"),
            ("", ObjectFormat::Sha256, "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"),
        ] {
            let mut naming = Naming::blob(format, content.len() as u64);
            naming.update(content.as_bytes());
            assert_eq!(naming.finish(), oid, "{content:?}");
        }
    }

    #[test]
    fn a_blob_that_is_another_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let oid = "ce013625030ba8dba906f756967f9e9ca394464a";
        let keep = |text: &str| keep_blob(dir.path(), ObjectFormat::Sha1, oid, 6, text.as_bytes()).unwrap();
        assert!(!keep("hallo\n"));
        assert!(!dir.path().join("ce").join(&oid[2..]).exists());
        assert!(keep("hello\n") && keep("hello\n"));
    }
}
