//! A repository of the host: where it is, and what it says of itself.

use std::path::{Path, PathBuf};

use crate::{WorkspaceError, git::Git};

/// A repository with a work tree.
#[derive(Clone, Debug)]
pub struct Repository {
    top: PathBuf,
    git: Git,
}

/// How the objects of a repository are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectFormat {
    Sha1,
    Sha256,
}

impl Repository {
    /// Finds the repository in which `path` lies.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::NoRepository`] where there is none, where it ignores `path`, where it is bare, and where its
    /// path is no text;
    /// [`WorkspaceError::Git`] where git does not trust it; [`WorkspaceError::NoGit`].
    pub fn find(path: &Path) -> Result<Self, WorkspaceError> {
        let none = |why, hint| WorkspaceError::NoRepository { path: path.to_owned(), why, hint };
        let place = path.canonicalize().map_err(|_| {
            none("cannot be found", "Give a directory that is there; a command stands after `--`.")
        })?;
        if !place.is_dir() {
            return Err(none("is no directory", "Give the directory of a git repository."));
        }
        let has_git = |dir: &&Path| dir.join(".git").symlink_metadata().is_ok();
        let Some(top) = place.ancestors().find(has_git) else {
            let is_bare = place.join("HEAD").is_file() && place.join("objects").is_dir();
            return Err(if is_bare {
                none("is a bare repository: it has no files to copy", "Clone it first, and give the clone.")
            } else {
                none(
                    "is in no git repository",
                    "`git init` makes one; `banger vm cp` copies plain directories.",
                )
            });
        };
        if top.to_str().is_none() {
            return Err(none("has a name that is not UTF-8", "Give the directory another name."));
        }
        let git = Git::of(top);
        // The first call tells whether there is a git, and whether it trusts the owner of the directory.
        git.run("look at the repository", ["rev-parse", "--git-dir"])?;
        if place != top
            && git
                .ask("look at the repository", [Path::new("check-ignore"), "-q".as_ref(), &place])?
                .is_some()
        {
            let hint = "Give the repository's own directory, or make one here with `git init`.";
            return Err(none("is ignored by the repository in which it lies", hint));
        }
        Ok(Self { top: top.to_owned(), git })
    }

    /// The directory of its files.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The name of that directory.
    #[must_use]
    pub fn name(&self) -> &str {
        self.top.file_name().and_then(|name| name.to_str()).unwrap_or("repo")
    }

    /// The commit that is checked out; `None` where there is none yet.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::NoGit`].
    pub fn head(&self) -> Result<Option<String>, WorkspaceError> {
        self.commit("HEAD")
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// The commit that `name` means.
    pub(crate) fn commit(&self, name: &str) -> Result<Option<String>, WorkspaceError> {
        let commit = format!("{name}^{{commit}}");
        self.git.ask("find a commit", ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
    }

    /// The branch that is checked out; `None` where it is a commit by itself.
    pub(crate) fn branch(&self) -> Result<Option<String>, WorkspaceError> {
        let name = self.git.ask("find the branch", ["symbolic-ref", "--quiet", "HEAD"])?;
        Ok(name.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)))
    }

    /// A value of its configuration, or of the person's.
    pub(crate) fn setting(&self, key: &str) -> Result<Option<String>, WorkspaceError> {
        self.git.ask("read the configuration", ["config", "--get", key])
    }

    pub(crate) fn object_format(&self) -> Result<ObjectFormat, WorkspaceError> {
        let what = "look at the repository";
        match self.git.ask(what, ["rev-parse", "--show-object-format"])?.as_deref() {
            Some("sha256") => Ok(ObjectFormat::Sha256),
            Some("sha1") => Ok(ObjectFormat::Sha1),
            _ => Err(WorkspaceError::BadAnswer { what }),
        }
    }

    /// A place in its own directory, absolute.
    pub(crate) fn git_path(&self, name: &str) -> Result<PathBuf, WorkspaceError> {
        let what = "look at the repository";
        let path = self.git.ask(what, ["rev-parse", "--path-format=absolute", "--git-path", name])?;
        path.map(PathBuf::from).ok_or(WorkspaceError::BadAnswer { what })
    }
}
