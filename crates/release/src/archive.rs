//! The files of a release, and how they come out of its tarball.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
};

use flate2::read::GzDecoder;
use model::{Class, Digest, Version};
use sha2::{Digest as _, Sha256};
use tar::EntryType;

use crate::{FileName, Sink, Sums, Verified, limits::UNPACKED_BYTES_MAX};

/// The programs that every release has. A later one may have more.
pub const PROGRAMS: [&str; 4] = ["banger", "bangerd", "bangerd-root", "banger-vsock-agent"];

/// What lies beside the programs in an installed release, so that none of its files may be called that.
const TAKEN: [&str; 3] = ["SHA256SUMS", "release.json", "units"];

/// The name of a release's tarball, in SHA256SUMS as well.
#[must_use]
pub fn archive_name(version: &Version) -> String {
    format!("banger-{version}-linux-amd64.tar.gz")
}

/// What a release's tarball is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    version: Version,
    digest: Digest,
    files: BTreeMap<FileName, Digest>,
}

impl Archive {
    /// The release.
    #[must_use]
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The tarball's own digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The files in it.
    pub fn files(&self) -> impl Iterator<Item = (&FileName, Digest)> {
        self.files.iter().map(|(name, digest)| (name, *digest))
    }
}

/// Why a tarball is not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// SHA256SUMS is another release's.
    #[error("SHA256SUMS does not list {name}: it belongs to another release")]
    OtherRelease {
        /// What it should list.
        name: String,
    },
    /// The tarball is another one.
    #[error("{name} has the digest {found}, and SHA256SUMS lists {listed}")]
    OtherBytes {
        /// The tarball.
        name: String,
        /// Its digest.
        found: Digest,
        /// What it should be.
        listed: Digest,
    },
    /// SHA256SUMS lacks a program.
    #[error("SHA256SUMS does not list {program}")]
    NoProgram {
        /// Which.
        program: &'static str,
    },
    /// A file's name is needed for something else.
    #[error("SHA256SUMS lists {name}, and no file of a release may be called that")]
    Taken {
        /// Which.
        name: FileName,
    },
}

impl ArchiveError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }
}

impl Verified<Sums> {
    /// Believes a tarball: it is of the release that was asked for, and its bytes are those that were signed.
    ///
    /// A signature binds bytes and no version, so an older genuine release could be offered as a newer one; the name
    /// of the tarball inside the signed SHA256SUMS is what says which release it is.
    ///
    /// # Errors
    ///
    /// The first [`ArchiveError`] found.
    pub fn archive(&self, version: &Version, tarball: Digest) -> Result<Verified<Archive>, ArchiveError> {
        let name = archive_name(version);
        let listed =
            self.get().get(&name).ok_or_else(|| ArchiveError::OtherRelease { name: name.clone() })?;
        if listed != tarball {
            return Err(ArchiveError::OtherBytes { name, found: tarball, listed });
        }
        let files: BTreeMap<FileName, Digest> = self
            .get()
            .iter()
            .filter(|(file, _)| file.as_str() != name)
            .map(|(file, digest)| (file.clone(), digest))
            .collect();
        if let Some(program) = PROGRAMS.into_iter().find(|program| self.get().get(program).is_none()) {
            return Err(ArchiveError::NoProgram { program });
        }
        if let Some(name) = files.keys().find(|name| TAKEN.contains(&name.as_str())) {
            return Err(ArchiveError::Taken { name: name.clone() });
        }
        Ok(Verified::new(Archive { version: version.clone(), digest: tarball, files }))
    }
}

/// Why a tarball was not unpacked. What the sink was given before is not to be used.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// It is no gzip of a tar, or it is torn.
    #[error("the tarball cannot be read")]
    NotRead {
        /// What is wrong.
        source: io::Error,
    },
    /// An entry is something else than a file.
    #[error("{entry:?} in the tarball is {kind}, and only regular files may be in it")]
    Kind {
        /// The entry.
        entry: String,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// An entry is none of the files that are listed.
    #[error("{entry:?} is in the tarball, and SHA256SUMS does not list it")]
    Unlisted {
        /// The entry.
        entry: String,
    },
    /// A file comes a second time.
    #[error("{name} is in the tarball twice")]
    Twice {
        /// Which.
        name: FileName,
    },
    /// A file does not come at all.
    #[error("{name} is not in the tarball, and SHA256SUMS lists it")]
    Missing {
        /// Which.
        name: FileName,
    },
    /// A file is another one.
    #[error("{name} in the tarball has the digest {found}, and SHA256SUMS lists {listed}")]
    OtherBytes {
        /// Which.
        name: FileName,
        /// Its digest.
        found: Digest,
        /// What it should be.
        listed: Digest,
    },
    /// All of it together is too large.
    #[error("the tarball holds more than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
    /// Something comes after the last entry.
    #[error("the tarball holds something after its end")]
    Tail,
    /// A file could not be written.
    #[error("write {name}")]
    NotWritten {
        /// Which.
        name: FileName,
        /// What the disk said.
        source: io::Error,
    },
}

impl UnpackError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NotRead { .. } | Self::NotWritten { .. } => Class::Failed,
            _ => Class::Refused,
        }
    }
}

/// Unpacks a verified tarball: exactly the files that are listed, regular ones, each once and with the right bytes.
///
/// Each file's digest is taken while it streams, so `tarball` need not be the very bytes that were verified: whoever
/// changes them in between gains nothing.
///
/// # Errors
///
/// The first [`UnpackError`] found. Files that the sink has taken by then are for the caller to remove.
pub fn unpack(
    archive: &Verified<Archive>,
    tarball: impl Read,
    sink: &mut impl Sink,
) -> Result<(), UnpackError> {
    let files = &archive.get().files;
    let mut seen = BTreeSet::new();
    let mut left_bytes = UNPACKED_BYTES_MAX;
    let not_read = |source| UnpackError::NotRead { source };
    let mut tar = tar::Archive::new(GzDecoder::new(tarball));
    // Raw: extensions that give an entry another name, kind or size are entries of their own, and no files.
    for entry in tar.entries().map_err(not_read)?.raw(true) {
        let mut entry = entry.map_err(not_read)?;
        let (name, listed) = listed(files, entry.header())?;
        if !seen.insert(name) {
            return Err(UnpackError::Twice { name: name.clone() });
        }
        let size_bytes = entry.header().entry_size().map_err(not_read)?;
        left_bytes = left_bytes.checked_sub(size_bytes).ok_or(UnpackError::TooLarge)?;
        let not_written = |source| UnpackError::NotWritten { name: name.clone(), source };
        let mut file = sink.create(name, size_bytes).map_err(not_written)?;
        let found = copy(&mut entry, size_bytes, &mut file, name)?;
        if found != listed {
            return Err(UnpackError::OtherBytes { name: name.clone(), found, listed });
        }
        sink.finish(name, file).map_err(not_written)?;
    }
    if let Some(name) = files.keys().find(|name| !seen.contains(name)) {
        return Err(UnpackError::Missing { name: name.clone() });
    }
    expect_end(&mut tar.into_inner())
}

/// Which of the listed files an entry is.
fn listed<'a>(
    files: &'a BTreeMap<FileName, Digest>,
    header: &tar::Header,
) -> Result<(&'a FileName, Digest), UnpackError> {
    let entry = || String::from_utf8_lossy(&header.path_bytes()).chars().take(80).collect();
    if header.entry_type() != EntryType::Regular {
        return Err(UnpackError::Kind { entry: entry(), kind: kind(header.entry_type()) });
    }
    let found = files.iter().find(|(name, _)| name.as_str().as_bytes() == &*header.path_bytes());
    found.map(|(name, digest)| (name, *digest)).ok_or_else(|| UnpackError::Unlisted { entry: entry() })
}

fn kind(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Directory => "a directory",
        EntryType::Symlink => "a symbolic link",
        EntryType::Link => "a hard link",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink => {
            "an extension of the format"
        }
        _ => "of an unknown kind",
    }
}

const BUFFER_BYTES: usize = 64 * 1024;

fn copy(
    from: &mut impl Read,
    size_bytes: u64,
    to: &mut impl Write,
    name: &FileName,
) -> Result<Digest, UnpackError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut copied_bytes = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(UnpackError::NotRead { source }),
        };
        let bytes = &buffer[..count];
        hasher.update(bytes);
        to.write_all(bytes).map_err(|source| UnpackError::NotWritten { name: name.clone(), source })?;
        copied_bytes += count as u64;
    }
    if copied_bytes != size_bytes {
        return Err(UnpackError::NotRead { source: io::ErrorKind::UnexpectedEof.into() });
    }
    Ok(Digest::from_bytes(hasher.finalize().into()))
}

/// The most padding behind the last entry, in bytes. GNU tar fills up 10 KiB, bsdtar too.
const PADDING_BYTES_MAX: u64 = 1024 * 1024;

/// Reads to the end, where gzip keeps its check sum, through nothing but zeros.
fn expect_end(rest: &mut impl Read) -> Result<(), UnpackError> {
    let mut padding = vec![];
    rest.take(PADDING_BYTES_MAX + 1)
        .read_to_end(&mut padding)
        .map_err(|source| UnpackError::NotRead { source })?;
    let is_end = padding.len() as u64 <= PADDING_BYTES_MAX && padding.iter().all(|byte| *byte == 0);
    if is_end { Ok(()) } else { Err(UnpackError::Tail) }
}

#[cfg(test)]
mod tests;
