//! Why an image could not be made or found.

use std::io;

use model::Class;

use crate::Fault;

/// Why an image could not be built, imported or found. Nothing was changed by it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A file, a program or the room for it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// No image has this name.
    #[error("there is no image {name:?}")]
    NoSuchImage {
        /// The name asked for.
        name: String,
    },
    /// This release has no such recipe.
    #[error("there is no recipe {recipe:?}")]
    NoSuchRecipe {
        /// The name asked for.
        recipe: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Nothing came in.
    #[error("the file is empty")]
    Empty,
    /// What came in is of another kind.
    #[error("it is neither a root tar nor an ext4 file system: it is {found}")]
    NotAnImage {
        /// What it is, with its article.
        found: String,
    },
    /// What came in ends early.
    #[error("{what} ends early or is damaged")]
    Truncated {
        /// What: `the archive`, `the file system`.
        what: &'static str,
        /// What the unpacking said, where it said something.
        source: Option<io::Error>,
    },
    /// An entry of an archive cannot be unpacked.
    #[error("the archive's entry {entry:?} cannot be unpacked: {why}")]
    Entry {
        /// Its path.
        entry: String,
        /// Why.
        why: &'static str,
    },
    /// It holds no root file system.
    #[error("it holds no root file system: neither /bin nor /usr nor /sbin is in it")]
    NoRoot,
    /// It is for another processor.
    #[error("its programs are for {found}, not for x86-64")]
    WrongArchitecture {
        /// The other processor.
        found: String,
    },
    /// A guest's kernel could not use it.
    #[error("the file system cannot be used: {why}")]
    Foreign {
        /// Why.
        why: String,
    },
    /// It has errors that cannot be put right without a person.
    #[error("the file system is damaged")]
    Damaged {
        /// What e2fsck said.
        source: Fault,
    },
}

impl ImageError {
    /// Says whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Fault(fault) => fault.class(),
            Self::NoSuchRecipe { .. } => Class::Usage,
            Self::NoSuchImage { .. }
            | Self::Empty
            | Self::NotAnImage { .. }
            | Self::Truncated { .. }
            | Self::Entry { .. }
            | Self::NoRoot
            | Self::WrongArchitecture { .. }
            | Self::Foreign { .. }
            | Self::Damaged { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Fault(fault) => return fault.hint(),
            Self::NoSuchImage { .. } => {
                "`banger image list` shows those there are; `banger image build` makes one."
            }
            Self::NoSuchRecipe { known, .. } => return Some(format!("There are: {}.", known.join(", "))),
            Self::Empty | Self::Truncated { .. } => "Get the file again, and compare its checksum.",
            Self::NotAnImage { .. } => {
                "An image is a tar of a root file system (packed with gzip, xz or zstd, or not) or an ext4 file \
                 without partitions."
            }
            Self::NoRoot => "The root must be at the top of it, not in a directory.",
            Self::Damaged { .. } => "Run `e2fsck -f` on the file and import it again.",
            Self::Foreign { .. } => "Make it anew with `mkfs.ext4`, or import the root as a tar.",
            Self::Entry { .. } | Self::WrongArchitecture { .. } => return None,
        };
        Some(text.to_owned())
    }
}
