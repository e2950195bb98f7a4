//! The stamp that the build script leaves.

use jiff::Timestamp;

/// The release: `v1.2.3`.
pub const VERSION: &str = model::RELEASE;

/// The commit, in 40 hexadecimal digits; zeros where it is not known.
pub const COMMIT: &str = env!("BANGER_COMMIT");

/// When the commit was made; the beginning of 1970 where that is not known.
#[must_use]
pub fn at() -> Timestamp {
    let secs = env!("BANGER_BUILT_AT_SECS").parse().ok();
    secs.and_then(|secs| Timestamp::from_second(secs).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// All of it on one line, as `--version` says it after the program's name.
#[must_use]
pub fn line() -> String {
    format!("{VERSION} (commit {}, built {})", COMMIT.get(..12).unwrap_or(COMMIT), at())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_which_release_it_is_in_one_line() {
        let line = line();
        assert!(line.starts_with(&format!("{VERSION} (commit {}, built ", &COMMIT[..12])), "{line}");
        assert_eq!((COMMIT.len(), line.lines().count()), (40, 1));
    }
}
