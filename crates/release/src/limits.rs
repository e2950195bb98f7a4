//! How much of anything is read. A real release stays far below each.

/// The longest manifest, in bytes: some thousands of releases.
pub const MANIFEST_BYTES_MAX: u64 = 1024 * 1024;

/// The longest SHA256SUMS, in bytes: more than a hundred files.
pub const SUMS_BYTES_MAX: u64 = 16 * 1024;

/// The longest signature, in bytes: ten times what base64 of a P-256 signature takes.
pub const SIGNATURE_BYTES_MAX: u64 = 1024;

/// The largest tarball, in bytes.
pub const TARBALL_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The most that all files of a tarball may hold together, in bytes.
pub const UNPACKED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
