//! What this program was built from.

use jiff::Timestamp;

/// The commit, in 40 hexadecimal digits.
pub(crate) const COMMIT: &str = env!("BANGER_COMMIT");

/// The release: `v1.2.3`.
pub(crate) const VERSION: &str = model::RELEASE;

/// When the commit was made.
pub(crate) fn built_at() -> Timestamp {
    let secs = env!("BANGER_BUILT_AT_SECS").parse().ok();
    secs.and_then(|secs| Timestamp::from_second(secs).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}
