//! What a release is, and which one may be trusted.
//!
//! ```text
//! <base>/manifest.json                       which releases there are, and where      Manifest
//! <base>/<v>/SHA256SUMS                      a digest for every file of one           Sums
//! <base>/<v>/SHA256SUMS.sig                  who says so                              verify
//! <base>/<v>/banger-<v>-linux-amd64.tar.gz   the files                                unpack
//! ```
//!
//! Trust goes one way, and each step is a type that only the step before can make:
//!
//! ```text
//! Keys + SHA256SUMS + SHA256SUMS.sig ─ verify ─► Verified<Sums>
//! Verified<Sums> + version + the tarball's digest ─ archive ─► Verified<Archive> ─► unpack
//! ```
//!
//! The manifest is not signed: it names places, never digests. Nothing here reads a file, a clock or the network.

mod archive;
mod keys;
mod limits;
mod manifest;
mod port;
mod signature;
mod stamp;
mod sums;
mod trust;
mod url;
mod verified;

pub use archive::{Archive, ArchiveError, PROGRAMS, UnpackError, archive_name, unpack};
pub use keys::{KeyError, Keys};
pub use limits::{
    MANIFEST_BYTES_MAX, SIGNATURE_BYTES_MAX, SUMS_BYTES_MAX, TARBALL_BYTES_MAX, UNPACKED_BYTES_MAX,
};
pub use manifest::{Entry, Manifest, ManifestError, Release, SCHEMA_VERSION};
pub use port::Sink;
pub use signature::{SignatureError, VerifyError, verify};
pub use stamp::{Stamp, StampError};
pub use sums::{FileName, Sums, SumsError};
pub use trust::{Trust, TrustError};
pub use url::{Url, UrlError};
pub use verified::Verified;
