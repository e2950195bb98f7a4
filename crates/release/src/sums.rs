//! SHA256SUMS: a digest for every file of a release.

use std::{collections::BTreeMap, fmt};

use model::{Class, Digest, ParseError};

use crate::limits::SUMS_BYTES_MAX;

/// The longest name of a file, in bytes.
const FILE_NAME_BYTES_MAX: usize = 128;

/// A file's plain name: letters, digits, `.`, `_`, `-` and `+`, beginning with a letter or a digit. It is no path, and
/// no shell reads it as anything else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for FileName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bad = |why| ParseError::new(text, "a file's plain name", why);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        if text.len() > FILE_NAME_BYTES_MAX {
            return Err(bad("it is longer than 128 characters"));
        }
        if !text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric) {
            return Err(bad("it must begin with a letter or a digit"));
        }
        if !text.bytes().all(is_plain) {
            return Err(bad("it may hold letters, digits, dots, underscores, dashes and plus signs"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A digest for every file of a release: the tarball, and what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<FileName, Digest>);

/// Why a text is no SHA256SUMS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumsError {
    /// It is longer than [`SUMS_BYTES_MAX`].
    #[error("SHA256SUMS is longer than {SUMS_BYTES_MAX} bytes")]
    TooLong,
    /// It is not text.
    #[error("SHA256SUMS is not UTF-8 text")]
    NotText,
    /// A line is no entry.
    #[error("line {line} of SHA256SUMS is no entry")]
    NoEntry {
        /// Which, counted from 1.
        line: usize,
    },
    /// An entry's digest or name is none.
    #[error("line {line} of SHA256SUMS")]
    Value {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: ParseError,
    },
    /// A name stands there twice.
    #[error("SHA256SUMS lists {name} twice")]
    Twice {
        /// Which.
        name: FileName,
    },
    /// It lists no file.
    #[error("SHA256SUMS lists no file")]
    Empty,
}

impl SumsError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        Class::Refused
    }
}

impl Sums {
    /// Reads SHA256SUMS: lines as GNU's `sha256sum` writes them (`<digest>  <name>`, `<digest> *<name>`) or as BSD's
    /// does (`SHA256 (<name>) = <digest>`). Empty lines and lines that begin with `#` are passed over; any other line
    /// is refused, rather than left out of what is checked.
    ///
    /// # Errors
    ///
    /// The first [`SumsError`] found.
    pub fn parse(bytes: &[u8]) -> Result<Self, SumsError> {
        if bytes.len() as u64 > SUMS_BYTES_MAX {
            return Err(SumsError::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| SumsError::NotText)?;
        let mut sums = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (digest, name) = split(line).ok_or(SumsError::NoEntry { line: line_number })?;
            let bad = |source| SumsError::Value { line: line_number, source };
            let (digest, name) = (digest.parse().map_err(bad)?, name.parse().map_err(bad)?);
            sums.add(name, digest)?;
        }
        if sums.0.is_empty() { Err(SumsError::Empty) } else { Ok(sums) }
    }

    /// Adds a file.
    ///
    /// # Errors
    ///
    /// [`SumsError::Twice`], which leaves the first.
    pub fn add(&mut self, name: FileName, digest: Digest) -> Result<(), SumsError> {
        if self.0.contains_key(&name) {
            return Err(SumsError::Twice { name });
        }
        self.0.insert(name, digest);
        Ok(())
    }

    /// The digest of a file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Digest> {
        self.iter().find(|(file, _)| file.as_str() == name).map(|(_, digest)| digest)
    }

    /// Every file, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&FileName, Digest)> {
        self.0.iter().map(|(name, digest)| (name, *digest))
    }
}

/// Splits a line into digest and name, whatever they hold.
fn split(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("SHA256 (") {
        let (name, digest) = rest.split_once(") = ")?;
        return Some((digest, name));
    }
    let (digest, rest) = line.split_once(' ')?;
    // The second column says how the file was read: a space for text, a star for binary.
    let name = rest.strip_prefix(' ').or_else(|| rest.strip_prefix('*'))?;
    Some((digest, name))
}

impl fmt::Display for Sums {
    /// Writes it as GNU's `sha256sum` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|(name, digest)| writeln!(f, "{digest}  {name}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const B: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn parse(text: &str) -> Result<Vec<String>, String> {
        let chain = |error: SumsError| match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        let sums = Sums::parse(text.as_bytes()).map_err(chain)?;
        Ok(sums.iter().map(|(name, digest)| format!("{name}={}", digest.short())).collect())
    }

    #[test]
    fn three_ways_to_write_an_entry() {
        for text in [
            format!("{A}  banger\n{B}  bangerd\n"),
            format!("{A} *banger\n{B} *bangerd"),
            format!("SHA256 (banger) = {A}\r\nSHA256 (bangerd) = {B}\r\n"),
            format!("# both\n\n{}  bangerd\nSHA256 (banger) = {A}\n", B.to_uppercase()),
        ] {
            assert_eq!(parse(&text).unwrap(), ["banger=e3b0c44298fc", "bangerd=ba7816bf8f01"], "{text}");
        }
    }

    #[test]
    fn what_looks_like_an_entry_and_is_none_is_refused() {
        for (text, expected) in [
            (format!("{A} banger"), "line 1 of SHA256SUMS is no entry"),
            (format!("{A}\tbanger"), "line 1 of SHA256SUMS is no entry"),
            (format!("{A}  banger\nhello"), "line 2 of SHA256SUMS is no entry"),
            (format!("SHA256 (banger) {A}"), "line 1 of SHA256SUMS is no entry"),
            (format!("MD5 (banger) = {A}"), "line 1 of SHA256SUMS is no entry"),
            (String::new(), "SHA256SUMS lists no file"),
            ("# nothing\n".to_owned(), "SHA256SUMS lists no file"),
            (format!("{A}  banger\n{B}  banger"), "SHA256SUMS lists banger twice"),
            (format!("{A}  banger\nSHA256 (banger) = {A}"), "SHA256SUMS lists banger twice"),
        ] {
            assert_eq!(parse(&text).unwrap_err(), expected, "{text}");
        }
        for name in
            ["../banger", "/banger", "bin/banger", ".banger", "-rf", "ban ger", "b\u{e4}nger", "", "banger "]
        {
            let error = parse(&format!("{A}  {name}")).unwrap_err();
            assert!(error.starts_with("line 1 of SHA256SUMS: "), "{name}: {error}");
            assert!(error.contains("is not a file's plain name"), "{name}: {error}");
        }
        for digest in ["", &A[1..], "zz", &format!("{A}0"), &format!("\\{A}")] {
            let error = parse(&format!("{digest}  banger")).unwrap_err();
            assert!(error.contains("is not a SHA-256 digest"), "{digest}: {error}");
        }
        assert_eq!(Sums::parse(b"\xff"), Err(SumsError::NotText));
        assert_eq!(Sums::parse(&vec![b'#'; 16 * 1024 + 1]), Err(SumsError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(files in prop::collection::btree_map("[a-z0-9][a-z._+-]{0,20}", any::<[u8; 32]>(), 1..20)) {
            let mut sums = Sums::default();
            for (name, digest) in files {
                sums.add(name.parse().unwrap(), Digest::from_bytes(digest)).unwrap();
            }
            prop_assert_eq!(Sums::parse(sums.to_string().as_bytes()).unwrap(), sums);
        }

        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>, text in "(SHA256|[0-9a-f]{64}| |\\(|\\)|=|\\*|\n|.){0,12}") {
            let _ = Sums::parse(&bytes);
            let _ = Sums::parse(text.as_bytes());
        }
    }
}
