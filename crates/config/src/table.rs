//! One table of the file: values taken out by key, each checked, and then what is left over.

use std::path::Path;

use crate::{Actor, ConfigError, KEYS, Key, Whose};

/// How alike a key must be to be offered in the place of an unknown one, from 0 to 1.
const LIKENESS_MIN: f64 = 0.6;

/// A table of the file whose values are taken out one by one.
pub(crate) struct Table<'a> {
    path: &'a Path,
    prefix: &'static str,
    whose: &'a Whose,
    values: toml::Table,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(path: &'a Path, prefix: &'static str, whose: &'a Whose, values: toml::Table) -> Self {
        Self { path, prefix, whose, values, known: vec![] }
    }

    pub(crate) fn bad(&self, key: &str, value: &toml::Value, why: impl Into<String>) -> ConfigError {
        ConfigError::BadValue {
            path: self.path.to_owned(),
            key: format!("{}{key}", self.prefix),
            value: shown(value),
            why: why.into(),
        }
    }

    /// Takes the value of `key` out and reads it, if it is there.
    pub(crate) fn take<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&toml::Value) -> Result<T, String>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.take_raw(key)? else {
            return Ok(None);
        };
        read(&value).map(Some).map_err(|why| self.bad(key, &value, why))
    }

    /// Takes the value of `key` out as it is, if it is there.
    pub(crate) fn take_raw(&mut self, key: &'static str) -> Result<Option<toml::Value>, ConfigError> {
        let is_others = |known: &Key| known.name == key && known.actor != Actor::Command;
        match self.whose {
            Whose::Owner { roots } if KEYS.iter().any(is_others) => match self.values.remove(key) {
                // Nor is it offered in the place of an unknown one.
                None => Ok(None),
                Some(_) => {
                    Err(ConfigError::NotTheOwners { path: self.path.to_owned(), key, roots: roots.clone() })
                }
            },
            _ => {
                self.known.push(key);
                Ok(self.values.remove(key))
            }
        }
    }

    /// Fails where something is left that was not taken out.
    pub(crate) fn finish(self) -> Result<(), ConfigError> {
        let Some(key) = self.values.keys().next() else {
            return Ok(());
        };
        let likeness = |known: &&&'static str| strsim::jaro_winkler(known, key);
        let nearest = self
            .known
            .iter()
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .filter(|known| likeness(known) >= LIKENESS_MIN)
            .map(|known| format!("{}{known}", self.prefix));
        Err(ConfigError::UnknownKey {
            path: self.path.to_owned(),
            key: format!("{}{key}", self.prefix),
            nearest,
        })
    }
}

const SHOWN_CHARS_MAX: usize = 80;

/// Shows a value on one line, and not all of a long one.
fn shown(value: &toml::Value) -> String {
    value.to_string().replace('\n', " ").chars().take(SHOWN_CHARS_MAX).collect()
}

/// Reads a text.
pub(crate) fn text(value: &toml::Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "it must be a text in quotes".to_owned())
}

/// Reads a text that another type reads.
pub(crate) fn parsed<T: std::str::FromStr<Err = model::ParseError>>(
    value: &toml::Value,
) -> Result<T, String> {
    text(value)?.parse().map_err(|error: model::ParseError| error.why().to_owned())
}

/// Reads an amount: a text with a unit, or a number of MiB.
pub(crate) fn size(value: &toml::Value) -> Result<model::Size, String> {
    match value.as_integer() {
        Some(mib) => {
            u64::try_from(mib).map(model::Size::from_mib).map_err(|_| "it must not be negative".to_owned())
        }
        None => parsed(value).map_err(|why| match value {
            toml::Value::String(_) => why,
            _ => "it must be a number of MiB, or a text such as \"4G\"".to_owned(),
        }),
    }
}

/// Reads one of some words.
pub(crate) fn one_of<T: Copy>(value: &toml::Value, words: &[(&str, T)]) -> Result<T, String> {
    let text = text(value)?;
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("it must be one of {}", words.join(", "))
    })
}
