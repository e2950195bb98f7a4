//! What each scenario says of itself, for the summary.

mod summary;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use summary::summary;

use crate::place;

/// How a scenario ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// It has not: it was killed, unless it runs still.
    Not,
    /// As it should.
    Passed,
    /// Otherwise.
    Failed,
    /// Not at all, since this is missing.
    Skipped(String),
}

/// One scenario's report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) scenario: String,
    pub(crate) ended: Ended,
    pub(crate) seconds: u64,
    /// What it measured.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
}

impl Report {
    /// Writes it, over the one before.
    pub(crate) fn write(&self) {
        let path = dir().join(format!("{}.json", self.scenario));
        let written = serde_json::to_vec(self).map_err(Into::into).and_then(|bytes| fs::write(&path, bytes));
        if let Err(error) = written {
            panic!("write {}: {error}", path.display());
        }
    }
}

fn dir() -> PathBuf {
    place::smoke("reports")
}

/// Reads every report, in the order of names.
pub(crate) fn all() -> Vec<Report> {
    read(&dir())
}

fn read(dir: &Path) -> Vec<Report> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let parse = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
    };
    paths.iter().map(parse).collect()
}
