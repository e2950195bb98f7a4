//! This repository, as files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Source;

/// Why the repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// git could not be started.
    #[error("run git in {}", dir.display())]
    GitNotStarted {
        /// The root of the repository.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// git did not list the files.
    #[error("list the files of {}: {said}", dir.display())]
    NotListed {
        /// The root of the repository.
        dir: PathBuf,
        /// What git said.
        said: String,
    },
    /// A file could not be read.
    #[error("read {path}")]
    NotRead {
        /// The file, from the root.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A source file is not Rust.
    #[error("parse {path}")]
    NotRust {
        /// The file, from the root.
        path: String,
        /// What the parser said.
        source: syn::Error,
    },
}

/// This repository: every file that git knows or would add.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    files: Vec<String>,
}

impl Tree {
    /// Lists the repository that this program was built from.
    ///
    /// # Errors
    ///
    /// [`TreeError`] where git cannot list it.
    pub fn here() -> Result<Self, TreeError> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().unwrap_or(own).to_owned();
        let listed = Command::new("git")
            // A checkout that belongs to someone else is still this one.
            .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .map_err(|source| TreeError::GitNotStarted { dir: root.clone(), source })?;
        if !listed.status.success() {
            let said = String::from_utf8_lossy(&listed.stderr).trim().to_owned();
            return Err(TreeError::NotListed { dir: root, said });
        }
        let names = String::from_utf8_lossy(&listed.stdout);
        let mut files: Vec<String> = names
            .split('\0')
            .filter(|name| !name.is_empty() && root.join(name).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(Self { root, files })
    }

    /// The root of the repository.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every file, from the root, in order.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Reads one file as text.
    ///
    /// # Errors
    ///
    /// [`TreeError::NotRead`] where it is not there or not UTF-8.
    pub fn text(&self, path: &str) -> Result<String, TreeError> {
        fs::read_to_string(self.root.join(path))
            .map_err(|source| TreeError::NotRead { path: path.to_owned(), source })
    }

    /// Reads and parses every Rust file.
    ///
    /// # Errors
    ///
    /// [`TreeError`] for the first that cannot be read or parsed.
    pub fn sources(&self) -> Result<Vec<Source>, TreeError> {
        self.files
            .iter()
            .filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "rs"))
            .map(|path| Source::parse(path, self.text(path)?))
            .collect()
    }
}
