//! What would be released: the commit, and whether it is ready.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use model::Version;

use super::ReleaseError;

/// The commit that is released.
pub(super) struct Tree {
    pub(super) root: PathBuf,
    /// In 40 hexadecimal digits.
    pub(super) commit: String,
    /// When it was made, in seconds since 1970: the one time that is in a release.
    pub(super) committed_at: u64,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self, ReleaseError> {
        let commit = git(root, &["rev-parse", "HEAD"])?;
        let committed_at = git(root, &["log", "-1", "--format=%ct"])?;
        let not_read =
            |_| ReleaseError::Program { program: "git log".to_owned(), said: committed_at.clone() };
        Ok(Self { root: root.to_owned(), commit, committed_at: committed_at.parse().map_err(not_read)? })
    }

    pub(super) fn expect_clean(&self) -> Result<(), ReleaseError> {
        // Whatever the configuration has `git status` leave out.
        let status = git(&self.root, &["status", "--porcelain", "--untracked-files=normal"])?;
        let files: Vec<_> = status.lines().filter_map(|line| line.get(3..)).take(5).collect();
        if files.is_empty() { Ok(()) } else { Err(ReleaseError::Dirty { files: files.join(", ") }) }
    }

    /// A candidate needs none: what is new in it stands under `Unreleased`.
    pub(super) fn expect_section(&self, version: &Version) -> Result<(), ReleaseError> {
        let path = self.root.join("CHANGELOG.md");
        let text = fs::read_to_string(&path).map_err(ReleaseError::disk("read", &path))?;
        let number = version.to_string();
        let heading = format!("## [{}]", number.trim_start_matches('v'));
        let is_there = text.lines().any(|line| line.starts_with(&heading));
        if is_there || number.contains('-') { Ok(()) } else { Err(ReleaseError::NoSection { heading }) }
    }
}

/// The workspace's own version, which every program calls itself by.
pub(super) fn expect_version(version: &Version) -> Result<(), ReleaseError> {
    let found = concat!("v", env!("CARGO_PKG_VERSION"));
    if version.to_string() == found {
        return Ok(());
    }
    let what = "the workspace's version in Cargo.toml";
    Err(ReleaseError::OtherVersion { what, found: found.to_owned(), version: version.clone() })
}

fn git(root: &Path, args: &[&str]) -> Result<String, ReleaseError> {
    run(Command::new("git").current_dir(root).args(args))
}

/// Runs a program to its end and returns what it printed, without white space around it.
pub(super) fn run(command: &mut Command) -> Result<String, ReleaseError> {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    let program = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let failed = |said: String| ReleaseError::Program { program: program.clone(), said };
    let output = command.output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        return Err(failed(last.map_or_else(|| output.status.to_string(), str::to_owned)));
    }
    // Not `trim`: the first column of `git status` may be a space.
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
