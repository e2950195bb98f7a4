//! A patch from a guest, applied to the files of a repository.
//!
//! The guest is not trusted. git holds a patch to stay in the work tree: no path of it leaves the directory, leads
//! through a link, or names `.git`. It is applied by a repository of ours that has the same work tree, so that nothing
//! which the host's repository configures runs, and every byte is taken as it is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    WorkspaceError,
    git::{Git, failed, words},
    inward::RAW,
    repository::{ObjectFormat, Repository},
    scratch::Scratch,
};

/// A patch for one repository.
#[derive(Debug)]
pub struct Patch<'a> {
    bytes: &'a [u8],
    top: PathBuf,
    git: Git,
    // The repository of ours goes last.
    _scratch: Scratch,
}

impl<'a> Patch<'a> {
    /// Takes a patch for the files of `repository`.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Scratch`] where there is no room; [`WorkspaceError::NoGit`].
    pub fn new(bytes: &'a [u8], repository: &Repository) -> Result<Self, WorkspaceError> {
        let scratch = Scratch::new()?;
        make(scratch.path(), repository.object_format()?)?;
        let git = Git::ours(scratch.path(), repository.top()).apart();
        Ok(Self { bytes, top: repository.top().to_owned(), git, _scratch: scratch })
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What it changes, as lines for a person.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Git`] where it is no patch.
    pub fn stat(&self) -> Result<String, WorkspaceError> {
        if self.is_empty() {
            return Ok(String::new());
        }
        let stat = self.git.feed("read the patch", ["apply", "--stat", "--summary", "-"], self.bytes)?;
        Ok(String::from_utf8_lossy(&stat).into_owned())
    }

    /// Changes the files, all or none.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::DoesNotApply`], and nothing was changed; [`WorkspaceError::Git`] where writing failed half way,
    /// which leaves some files changed.
    pub fn apply(&self) -> Result<(), WorkspaceError> {
        if self.is_empty() {
            return Ok(());
        }
        let what = "apply the patch";
        let check = self.git.output(what, ["apply", "--check", "--whitespace=nowarn", "-"], self.bytes)?;
        if !check.status.success() {
            return Err(WorkspaceError::DoesNotApply { top: self.top.clone(), said: words(&check.stderr) });
        }
        let done = self.git.output(what, ["apply", "--whitespace=nowarn", "-"], self.bytes)?;
        if done.status.success() { Ok(()) } else { Err(failed(what, &done.stderr)) }
    }
}

fn make(dir: &Path, format: ObjectFormat) -> Result<(), WorkspaceError> {
    let config = match format {
        ObjectFormat::Sha1 => "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n",
        ObjectFormat::Sha256 => {
            "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n[extensions]\n\tobjectformat = sha256\n"
        }
    };
    let write = || -> std::io::Result<()> {
        for name in ["objects", "refs", "info"] {
            fs::create_dir(dir.join(name))?;
        }
        fs::write(dir.join("HEAD"), "ref: refs/heads/none\n")?;
        fs::write(dir.join("info/attributes"), RAW)?;
        fs::write(dir.join("config"), config)
    };
    write().map_err(|source| WorkspaceError::Scratch { path: dir.to_owned(), source })
}
