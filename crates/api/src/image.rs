//! Images and kernels.

use jiff::Timestamp;
use model::{Digest, ImageName, KernelName, Size};
use serde::{Deserialize, Serialize};

/// A root file system that machines begin as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its name.
    pub name: ImageName,
    /// What it is, by content.
    pub digest: Digest,
    /// Its size as a disk.
    pub size: Size,
    /// The room that it takes on the host.
    pub disk_used: Size,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it came from: `recipe debian-bookworm`, `import`, `machine my-box`.
    pub source: String,
}

/// A kernel with its modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Its name.
    pub name: KernelName,
    /// What it calls itself: `uname -r`.
    pub release: String,
    /// What it is, by content.
    pub digest: Digest,
    /// The room that it takes on the host, with its modules.
    pub disk_used: Size,
    /// When it was made.
    pub created_at: Timestamp,
    /// Where it came from: a package with its version, or `import`.
    pub source: String,
}

/// An image to build from a recipe that this release knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageBuild {
    /// The recipe: `debian-bookworm`, `debian-small`.
    pub recipe: String,
    /// The image's name; the recipe's where there is none.
    pub name: Option<ImageName>,
}

/// An image to make of a stopped machine's root disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePromote {
    /// The machine, by id or name.
    pub vm: String,
    /// The image's name.
    pub name: ImageName,
}

/// A kernel to take from the host's package archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelPull {
    /// The suite to take it from, where it is not the host's own: `bookworm-backports`.
    pub suite: Option<String>,
    /// The kernel's name; its release where there is none.
    pub name: Option<KernelName>,
}

/// What a prune took away, or would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// What it was, a line each.
    pub removed: Vec<String>,
    /// The room that it took, in bytes.
    pub freed_bytes: u64,
}
