//! Files of the host that every machine gets: `[[file_sync]]`.

use std::path::{Path, PathBuf};

use crate::{
    ConfigError, Whose,
    table::{Table, text},
};

/// Files that one configuration may put into every machine.
pub const FILES_MAX: usize = 64;

/// The longest of them, in bytes.
pub const SYNCED_BYTES_MAX: u64 = 1024 * 1024;

/// The permission bits where none are given: it may be a secret.
const MODE_DEFAULT: u32 = 0o600;

/// A file of the host that every machine gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSync {
    /// Where it lies on the host.
    pub host: PathBuf,
    /// Where it goes in the guest, from the root.
    pub guest: String,
    /// Its permission bits there.
    pub mode: u32,
}

/// Reads the tables. `home` is what `~` stands for on the host.
pub(crate) fn read(
    path: &Path,
    whose: &Whose,
    home: &Path,
    table: &Table<'_>,
    value: &toml::Value,
) -> Result<Vec<FileSync>, ConfigError> {
    let files = match value {
        toml::Value::Array(files) if files.len() <= FILES_MAX => files,
        toml::Value::Array(_) => return Err(table.bad("file_sync", value, "there may be 64 at most")),
        _ => return Err(table.bad("file_sync", value, "it must be a list of tables: [[file_sync]]")),
    };
    let mut read = vec![];
    for file in files {
        let toml::Value::Table(values) = file else {
            return Err(table.bad("file_sync", file, "it must be a list of tables: [[file_sync]]"));
        };
        let file = read_one(Table::new(path, "file_sync.", whose, values.clone()), home)?;
        read.push(file.ok_or_else(|| table.bad("file_sync", value, "host and guest must be in each"))?);
    }
    Ok(read)
}

fn read_one(mut table: Table<'_>, home: &Path) -> Result<Option<FileSync>, ConfigError> {
    let host = table.take("host", |value| match text(value)? {
        text if text.starts_with("~/") => Ok(home.join(&text[2..])),
        text if text.starts_with('/') => Ok(PathBuf::from(text)),
        _ => Err("it must be a path from / or ~/".to_owned()),
    })?;
    let guest = table.take("guest", |value| match text(value)? {
        text if text.ends_with('/') => Err("it must be the path of a file".to_owned()),
        text if text.split('/').any(|part| part == "..") => Err("it must not lead up by ..".to_owned()),
        text if text.starts_with("~/") => Ok(format!("/root/{}", &text[2..])),
        text if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err("it must be a path from / or ~/".to_owned()),
    })?;
    let mode = table.take("mode", |value| {
        let mode = u32::from_str_radix(text(value)?, 8).ok().filter(|mode| *mode <= 0o7777);
        mode.ok_or_else(|| "it must be an octal number in quotes, such as \"0600\"".to_owned())
    })?;
    table.finish()?;
    let pair = host.zip(guest);
    Ok(pair.map(|(host, guest)| FileSync { host, guest, mode: mode.unwrap_or(MODE_DEFAULT) }))
}
