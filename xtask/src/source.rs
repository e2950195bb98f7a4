//! One Rust file.

use crate::{Token, TreeError, flatten};

/// One Rust file, parsed.
#[derive(Debug)]
pub struct Source {
    /// The file, from the root of the repository.
    pub path: String,
    /// What stands in it.
    pub text: String,
    /// Its items.
    pub items: Vec<syn::Item>,
    /// Its tokens in a row, comments left out.
    pub tokens: Vec<Token>,
}

impl Source {
    /// Parses one file.
    ///
    /// # Errors
    ///
    /// [`TreeError::NotRust`] where it is none.
    pub fn parse(path: &str, text: String) -> Result<Self, TreeError> {
        let not_rust = |source| TreeError::NotRust { path: path.to_owned(), source };
        let items = syn::parse_file(&text).map_err(not_rust)?.items;
        let is_test = path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
        let tokens = flatten(&text, is_test).map_err(|error| not_rust(error.into()))?;
        Ok(Self { path: path.to_owned(), text, items, tokens })
    }

    /// The name of the file without its directories.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The directory that holds the crate's `src`: `crates/vm`, `xtask`.
    #[must_use]
    pub fn crate_dir(&self) -> Option<&str> {
        let at = self.path.find("/src/").or_else(|| self.path.rfind("/tests/"))?;
        self.path.get(..at)
    }

    /// The crate's name, which is the last part of [`Self::crate_dir`] throughout this repository.
    #[must_use]
    pub fn crate_name(&self) -> Option<&str> {
        self.crate_dir()?.rsplit('/').next()
    }
}
