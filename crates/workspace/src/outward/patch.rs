//! A patch from a guest, applied to the files of a repository.
//!
//! The guest is not trusted. git holds a patch to stay in the work tree: no path of it leaves the directory, leads
//! through a link, or names `.git`. It is applied by a repository of ours that has the same work tree, so that nothing
//! which the host's repository configures runs, and every byte is taken as it is.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Component, Path, PathBuf},
};

use crate::{
    WorkspaceError,
    git::{Git, failed, words},
    inward::RAW,
    repository::{ObjectFormat, Repository},
    scratch::Scratch,
};

const APPLY: &str = "apply the patch";

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

    /// Changes the files, all or none. Those that are here already as the patch makes them stay, and are returned: an
    /// earlier patch may have brought them.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::DoesNotApply`], and nothing was changed; [`WorkspaceError::Git`] where writing failed half way,
    /// which leaves some files changed.
    pub fn apply(&self) -> Result<Vec<PathBuf>, WorkspaceError> {
        if self.is_empty() {
            return Ok(vec![]);
        }
        let mut refusal = self.git_apply(&["--check".into()])?;
        let mut present = vec![];
        let mut rest = vec![];
        if refusal.is_some() {
            present = self.present()?;
            rest = present.iter().map(|path| only("--exclude=", path)).collect();
            refusal = self.git_apply(&[&["--check".into()], &rest[..]].concat())?;
        }
        if let Some(stderr) = refusal {
            return Err(WorkspaceError::DoesNotApply { top: self.top.clone(), said: words(&stderr) });
        }
        match self.git_apply(&rest)? {
            None => Ok(present),
            Some(stderr) => Err(failed(APPLY, &stderr)),
        }
    }

    /// The files that are here as the patch makes them: it does not fit there, and taking it back would.
    fn present(&self) -> Result<Vec<PathBuf>, WorkspaceError> {
        let listed = self.git.feed("read the patch", ["apply", "--numstat", "-z", "-"], self.bytes)?;
        // "added TAB deleted TAB path NUL"
        let paths =
            listed.split(|byte| *byte == 0).filter_map(|line| line.splitn(3, |byte| *byte == b'\t').nth(2));
        let mut present = vec![];
        for path in paths.map(|path| Path::new(OsStr::from_bytes(path))).filter(|path| self.is_here(path)) {
            let check = ["--check".into(), only("--include=", path)];
            if self.git_apply(&check)?.is_some()
                && self.git_apply(&[&check[..], &["--reverse".into()]].concat())?.is_none()
            {
                present.push(path.to_owned());
            }
        }
        Ok(present)
    }

    /// Whether something is at a path that a patch names, which may name anything.
    fn is_here(&self, path: &Path) -> bool {
        path.components().all(|part| matches!(part, Component::Normal(_)))
            && fs::symlink_metadata(self.top.join(path)).is_ok()
    }

    /// Has git apply the patch. Returns what git says where it does not.
    fn git_apply(&self, options: &[OsString]) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let before = ["apply", "--whitespace=nowarn"].map(OsString::from);
        let args = before.iter().chain(options).cloned().chain(["-".into()]);
        let done = self.git.output(APPLY, args, self.bytes)?;
        Ok((!done.status.success()).then_some(done.stderr))
    }
}

/// An option with a pattern that is this path and no other.
fn only(option: &str, path: &Path) -> OsString {
    let mut bytes = option.as_bytes().to_vec();
    for byte in path.as_os_str().as_bytes() {
        if br"\*?[".contains(byte) {
            bytes.push(b'\\');
        }
        bytes.push(*byte);
    }
    OsString::from_vec(bytes)
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
