//! Which release this is.

use jiff::Timestamp;

/// The release's version, with its `v`.
pub(crate) const VERSION: &str = model::RELEASE;

/// The commit that it was built from, or `unknown`.
pub(crate) const COMMIT: &str = env!("BANGER_COMMIT");

/// The time of that commit, in seconds since 1970.
const BUILT: &str = env!("BANGER_BUILT");

/// Returns the line that `--version` prints, without the program's name.
pub(crate) fn line() -> String {
    let built = BUILT.parse().ok().and_then(|secs| Timestamp::from_second(secs).ok());
    let built = built.filter(|built| *built != Timestamp::UNIX_EPOCH);
    let built = built.map_or_else(|| "unknown".to_owned(), |built| built.to_string());
    format!("{VERSION} (commit {COMMIT}, built {built})")
}
