//! What is recorded of a system install: whose it is, and which release.
//!
//! The file `install.toml` is TOML of the plainest kind: a key, an equals sign, and a text in quotes or a
//! whole number, one a line.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use jiff::Timestamp;

use crate::Version;

/// The longest file that is read, in bytes.
pub const INSTALL_RECORD_BYTES_MAX: usize = 16 * 1024;

/// Whose a system install is, and which release it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallRecord {
    /// The owner's name when it was installed.
    pub owner_user: String,
    /// The owner's number: what counts.
    pub owner_uid: u32,
    /// The owner's first group.
    pub owner_gid: u32,
    /// The owner's home directory.
    pub owner_home: PathBuf,
    /// The release.
    pub version: Version,
    /// The commit that it was built from.
    pub commit: String,
    /// When that commit was made.
    pub built_at: Timestamp,
    /// When banger was first installed here.
    pub installed_at: Timestamp,
}

/// Why a text is no record of an install.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstallRecordError {
    /// It is longer than any that is written.
    #[error("it is longer than {INSTALL_RECORD_BYTES_MAX} bytes")]
    TooLong,
    /// A line is not understood.
    #[error("line {line}: {why}")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A key is missing.
    #[error("it does not say {key}")]
    Missing {
        /// Which.
        key: &'static str,
    },
    /// A value is none of its kind.
    #[error("{key} is {value:?}, which is not {what}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value.
        value: String,
        /// What it should be, with its article.
        what: &'static str,
    },
}

impl InstallRecord {
    /// Writes it as the text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = "# Written by `banger system install` and `banger update`.\n".to_owned();
        let mut line = |key: &str, value: String| {
            // Writing to a text does not fail.
            let _ = writeln!(text, "{key} = {value}");
        };
        line("owner_user", quoted(&self.owner_user));
        line("owner_uid", self.owner_uid.to_string());
        line("owner_gid", self.owner_gid.to_string());
        line("owner_home", quoted(&self.owner_home.to_string_lossy()));
        line("version", quoted(&self.version.to_string()));
        line("commit", quoted(&self.commit));
        line("built_at", quoted(&self.built_at.to_string()));
        line("installed_at", quoted(&self.installed_at.to_string()));
        text
    }

    /// Reads the text of the file. Keys that are not known are left out of account: a later release may
    /// have written them.
    ///
    /// # Errors
    ///
    /// The first [`InstallRecordError`] found.
    pub fn parse(text: &str) -> Result<Self, InstallRecordError> {
        if text.len() > INSTALL_RECORD_BYTES_MAX {
            return Err(InstallRecordError::TooLong);
        }
        let mut values = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let bad = |why| InstallRecordError::Line { line: at + 1, why };
            if let Some((key, value)) = read_line(line).map_err(bad)?
                && values.insert(key, value).is_some()
            {
                return Err(bad("its key stands there twice"));
            }
        }
        let fields = Fields(values);
        Ok(Self {
            owner_user: fields.get("owner_user", "a name", |text| Some(text.to_owned()))?,
            owner_uid: fields.get("owner_uid", "a user's number", |text| text.parse().ok())?,
            owner_gid: fields.get("owner_gid", "a group's number", |text| text.parse().ok())?,
            owner_home: fields.get("owner_home", "a path from the root", absolute)?,
            version: fields.get("version", "a version", |text| text.parse().ok())?,
            commit: fields.get("commit", "a commit", |text| Some(text.to_owned()))?,
            built_at: fields.get("built_at", "a time", |text| text.parse().ok())?,
            installed_at: fields.get("installed_at", "a time", |text| text.parse().ok())?,
        })
    }
}

fn absolute(text: &str) -> Option<PathBuf> {
    Some(PathBuf::from(text)).filter(|path| path.is_absolute())
}

struct Fields<'a>(BTreeMap<&'a str, String>);

impl Fields<'_> {
    fn get<T>(
        &self,
        key: &'static str,
        what: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, InstallRecordError> {
        let value = self.0.get(key).ok_or(InstallRecordError::Missing { key })?;
        read(value).ok_or_else(|| InstallRecordError::Value { key, value: value.clone(), what })
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            char if char.is_control() => {
                // Writing to a text does not fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(char));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// Reads a line: a key and its value, or nothing.
fn read_line(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (key, value) = line.split_once('=').ok_or("it has no equals sign")?;
    let key = key.trim_end();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if key.is_empty() || !key.bytes().all(is_plain) {
        return Err("its key is no word");
    }
    let value = value.trim_start();
    let value = match value.strip_prefix('"') {
        Some(rest) => read_text(rest)?,
        None => read_number(value)?,
    };
    Ok(Some((key, value)))
}

fn read_number(value: &str) -> Result<String, &'static str> {
    let number = value.split('#').next().unwrap_or_default().trim_end();
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(number.to_owned())
    } else {
        Err("its value is neither a text in quotes nor a whole number")
    }
}

/// Reads a text up to its closing quote; after it only a comment may follow.
fn read_text(rest: &str) -> Result<String, &'static str> {
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next().ok_or("its text has no end")? {
            '"' => break,
            '\\' => match chars.next().ok_or("its text has no end")? {
                mark @ ('"' | '\\') => text.push(mark),
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
                    text.push(code.and_then(char::from_u32).ok_or("a \\u is not followed by a character")?);
                }
                _ => return Err("a backslash is followed by neither a quote, a backslash nor a u"),
            },
            char => text.push(char),
        }
    }
    let after = chars.as_str().trim_start();
    if after.is_empty() || after.starts_with('#') { Ok(text) } else { Err("something follows its text") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> InstallRecord {
        InstallRecord {
            owner_user: "ann".to_owned(),
            owner_uid: 1000,
            owner_gid: 1001,
            owner_home: "/home/ann".into(),
            version: "v1.2.3".parse().unwrap(),
            commit: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            built_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            installed_at: "2026-02-03T04:05:06.789Z".parse().unwrap(),
        }
    }

    #[test]
    fn it_reads_what_it_writes() {
        let plain = record();
        let odd = InstallRecord {
            owner_user: "a \"b\" \\ c".to_owned(),
            owner_home: "/home/ä\tö # =".into(),
            commit: String::new(),
            ..record()
        };
        for record in [plain, odd] {
            assert_eq!(InstallRecord::parse(&record.render()), Ok(record));
        }
    }

    #[test]
    fn what_a_file_looks_like() {
        let expected = "\
# Written by `banger system install` and `banger update`.
owner_user = \"ann\"
owner_uid = 1000
owner_gid = 1001
owner_home = \"/home/ann\"
version = \"v1.2.3\"
commit = \"0123456789abcdef0123456789abcdef01234567\"
built_at = \"2026-01-02T03:04:05Z\"
installed_at = \"2026-02-03T04:05:06.789Z\"
";
        assert_eq!(record().render(), expected);
    }

    #[test]
    fn lines_that_a_person_or_a_later_release_wrote() {
        type Read<'a> = Result<Option<(&'a str, &'a str)>, &'a str>;
        let table: &[(&str, Read<'_>)] = &[
            ("", Ok(None)),
            ("   # a comment", Ok(None)),
            ("a = 1", Ok(Some(("a", "1")))),
            ("  a_b-c=12 # so many", Ok(Some(("a_b-c", "12")))),
            ("a = \"x\" # so", Ok(Some(("a", "x")))),
            ("a = \"\"", Ok(Some(("a", "")))),
            (r#"a = "\u0041\"\\""#, Ok(Some(("a", "A\"\\")))),
            ("a", Err("it has no equals sign")),
            ("[table]", Err("it has no equals sign")),
            ("= 1", Err("its key is no word")),
            ("a b = 1", Err("its key is no word")),
            ("a = ", Err("its value is neither a text in quotes nor a whole number")),
            ("a = -1", Err("its value is neither a text in quotes nor a whole number")),
            ("a = true", Err("its value is neither a text in quotes nor a whole number")),
            ("a = 'x'", Err("its value is neither a text in quotes nor a whole number")),
            ("a = \"x", Err("its text has no end")),
            (r#"a = "x\"#, Err("its text has no end")),
            (r#"a = "\n""#, Err("a backslash is followed by neither a quote, a backslash nor a u")),
            (r#"a = "\u00""#, Err("a \\u is not followed by a character")),
            (r#"a = "\ud800""#, Err("a \\u is not followed by a character")),
            ("a = \"x\" y", Err("something follows its text")),
        ];
        for (line, expected) in table {
            let expected = expected.map(|pair| pair.map(|(key, value)| (key, value.to_owned())));
            assert_eq!(read_line(line), expected, "{line:?}");
        }
    }

    #[test]
    fn every_mistake_has_its_message() {
        let text = record().render();
        let told = |text: &str| InstallRecord::parse(text).unwrap_err().to_string();
        assert_eq!(told(""), "it does not say owner_user");
        assert_eq!(told(&text.replace("owner_uid = 1000\n", "")), "it does not say owner_uid");
        assert_eq!(told(&format!("{text}version = \"v1.0.0\"\n")), "line 10: its key stands there twice");
        assert_eq!(told(&text.replace("1000", "\"x\"")), "owner_uid is \"x\", which is not a user's number");
        assert_eq!(
            told(&text.replace("/home/ann", "ann")),
            "owner_home is \"ann\", which is not a path from the root"
        );
        assert_eq!(told(&text.replace("v1.2.3", "1.2")), "version is \"1.2\", which is not a version");
        assert_eq!(told(&"#".repeat(INSTALL_RECORD_BYTES_MAX + 1)), "it is longer than 16384 bytes");
        let later = format!("{text}channel = \"stable\"\n");
        assert_eq!(InstallRecord::parse(&later), Ok(record()));
    }
}
