//! What a program says of itself.

use jiff::Timestamp;
use model::{Class, Version};

/// The longest output of `banger version` that is read, in bytes.
const STAMP_BYTES_MAX: usize = 64 * 1024;

/// The three lines of `banger version`, a contract across releases: `version: v1.2.3`, `commit: <40 hex>`,
/// `built_at: <RFC 3339>`. Other lines may stand among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The release.
    pub version: Version,
    /// The commit that it was built from, in 40 hexadecimal digits.
    pub commit: String,
    /// When that commit was made.
    pub built_at: Timestamp,
}

/// Why an output is not that of `banger version`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// It is longer than any that is written.
    #[error("the output is longer than {STAMP_BYTES_MAX} bytes")]
    TooLong,
    /// A line is missing.
    #[error("the output has no line {key:?}")]
    Missing {
        /// How it begins.
        key: &'static str,
    },
    /// A line stands there twice.
    #[error("the output has two lines {key:?}")]
    Twice {
        /// How they begin.
        key: &'static str,
    },
    /// A line's value is none of its kind.
    #[error("the output's {key} {value:?} is not {what}")]
    Value {
        /// How the line begins.
        key: &'static str,
        /// What follows.
        value: String,
        /// What it should be, with its article.
        what: &'static str,
    },
}

impl StampError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Failed
    }
}

impl Stamp {
    /// Reads the output of `banger version`.
    ///
    /// # Errors
    ///
    /// The first [`StampError`] found.
    pub fn parse(output: &str) -> Result<Self, StampError> {
        if output.len() > STAMP_BYTES_MAX {
            return Err(StampError::TooLong);
        }
        let is_commit = |text: &&str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Ok(Self {
            version: field(output, "version:", "a version", |text| text.parse().ok())?,
            commit: field(output, "commit:", "a commit in 40 hexadecimal digits", |text| {
                Some(text).filter(is_commit).map(str::to_lowercase)
            })?,
            built_at: field(output, "built_at:", "a time (RFC 3339)", |text| text.parse().ok())?,
        })
    }
}

fn field<T>(
    output: &str,
    key: &'static str,
    what: &'static str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StampError> {
    let mut values = output.lines().filter_map(|line| line.trim().strip_prefix(key)).map(str::trim);
    let value = values.next().ok_or(StampError::Missing { key })?;
    if values.next().is_some() {
        return Err(StampError::Twice { key });
    }
    read(value).ok_or_else(|| StampError::Value { key, value: value.chars().take(80).collect(), what })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str =
        "version: v1.2.3\ncommit: 0123456789abcdef0123456789abcdef01234567\nbuilt_at: 2026-05-01T10:00:00Z\n";

    fn check(output: &str, expected: Result<&str, &str>) {
        let read = Stamp::parse(output)
            .map(|stamp| format!("{} {} {}", stamp.version, &stamp.commit[..8], stamp.built_at));
        let read = read.map_err(|error| error.to_string());
        assert_eq!(read.as_deref().map_err(String::as_str), expected, "{output:?}");
    }

    fn without(line: &str) -> String {
        GOOD.split_inclusive('\n').filter(|one| !one.starts_with(line)).collect()
    }

    #[test]
    fn three_lines_are_read() {
        let good = Ok("v1.2.3 01234567 2026-05-01T10:00:00Z");
        check(GOOD, good);
        check(GOOD.trim_end(), good);
        check(&GOOD.replace('\n', "\r\n"), good);
        check(&GOOD.replace(": ", ":\t  ").replace('\n', "   \n\n  "), good);
        check(&format!("banger\nlicense: MIT\n{GOOD}versions: 3\ncommitted: yes\n"), good);
        check(&GOOD.replace("abcdef", "ABCDEF"), good);
    }

    #[test]
    fn what_is_missing_is_named() {
        check("", Err("the output has no line \"version:\""));
        check(&without("version"), Err("the output has no line \"version:\""));
        check(&without("commit"), Err("the output has no line \"commit:\""));
        check(&without("built_at"), Err("the output has no line \"built_at:\""));
        check(&format!("{GOOD}version: v1.2.4\n"), Err("the output has two lines \"version:\""));
        check(&GOOD.replace("v1.2.3", "1.2.3"), Err("the output's version: \"1.2.3\" is not a version"));
        check(
            &GOOD.replace("0123456789abcdef01", ""),
            Err("the output's commit: \"23456789abcdef01234567\" is not a commit in 40 hexadecimal digits"),
        );
        check(
            &GOOD.replace("2026-05-01T10", "yesterday"),
            Err("the output's built_at: \"yesterday:00:00Z\" is not a time (RFC 3339)"),
        );
        check(&"x\n".repeat(40_000), Err("the output is longer than 65536 bytes"));
    }

    proptest! {
        #[test]
        fn random_text_never_panics(text: String, value in ".{0,40}") {
            let _ = Stamp::parse(&text);
            let _ = Stamp::parse(&GOOD.replace("v1.2.3", &value));
        }
    }
}
