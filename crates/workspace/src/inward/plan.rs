//! What will be copied, read and judged before anything is made.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{
    objects::hex,
    work_tree::{Found, WorkTree},
};
use crate::{
    WorkspaceError,
    git::Git,
    listing::{self, Entry, LINK, SUBMODULE},
    repository::{ObjectFormat, Repository},
};

/// How many generations of commits go along where nothing else is asked for.
pub(crate) const GENERATIONS: u32 = 10;

/// Files by which a repository says which tools it wants, for mise.
const TOOL_FILES: [&str; 3] = ["mise.toml", ".mise.toml", ".tool-versions"];

/// How deep submodules may lie in each other.
const SUBMODULES_DEEP_MAX: u32 = 8;

/// How much of the history goes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// The last ten generations of what is checked out.
    #[default]
    Recent,
    /// All of it, with every branch and tag.
    Whole,
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether files go along that git does not track. Ignored ones never do.
    pub include_untracked: bool,
    /// How much of the history does.
    pub history: History,
    /// A new branch for the guest.
    pub branch: Option<String>,
    /// The commit at which it begins, whose files are then copied instead of the work tree's.
    pub from: Option<String>,
}

/// What will be copied.
#[derive(Debug)]
pub struct Plan {
    pub(super) repository: Repository,
    pub(super) format: ObjectFormat,
    pub(super) history: History,
    pub(super) commit: String,
    pub(super) branch: Option<String>,
    pub(super) index: Vec<Entry>,
    pub(super) files: Vec<Planned>,
    pub(super) is_of_commit: bool,
    notes: Vec<String>,
    bytes: u64,
    mark: Option<String>,
}

/// A file that will be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    /// The object that git has of it: what is sent, for a commit's files; what is there already, for the work tree's.
    pub(super) known: Option<(u32, String)>,
}

impl Plan {
    /// Reads what is to be copied, and refuses what cannot be.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::BadReference`] for a branch or a commit that cannot be meant, [`WorkspaceError::NoRepository`]
    /// where nothing is committed yet, [`WorkspaceError::NotCheckedOut`] for a submodule whose files are not here,
    /// [`WorkspaceError::BadPath`] for an index that would lead elsewhere; what git or the system fail with.
    pub fn read(repository: Repository, wanted: &Wanted) -> Result<Self, WorkspaceError> {
        let commit = commit_of(&repository, wanted)?;
        let branch = match &wanted.branch {
            Some(branch) => Some(new_branch(&repository, branch)?),
            None => repository.branch()?,
        };
        let format = repository.object_format()?;
        let listed = match &wanted.from {
            Some(_) => listed_of_commit(&repository, &commit)?,
            None => listed_of_work_tree(&repository, wanted.include_untracked)?,
        };
        let is_of_commit = wanted.from.is_some();
        let (mark, bytes) = if is_of_commit {
            (None, 0)
        } else {
            look(&repository, &listed.files).map(|(mark, bytes)| (Some(mark), bytes))?
        };
        let Listed { index, files, notes } = listed;
        let history = wanted.history;
        Ok(Self {
            repository,
            format,
            history,
            commit,
            branch,
            index,
            files,
            is_of_commit,
            notes,
            bytes,
            mark,
        })
    }

    /// The same on a branch that the guest has already.
    #[must_use]
    pub fn on_branch(self, branch: &str) -> Self {
        Self { branch: Some(branch.to_owned()), ..self }
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The commit that the guest's repository stands on.
    #[must_use]
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The paths that will be copied, in git's order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| &*file.path)
    }

    /// What the person should know: what is left out, and why.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The bytes of the files; 0 where that is not known before they are read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the work tree looks like; `None` where a commit's files are copied, which never change.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }

    /// The file by which the repository says which tools it wants.
    #[must_use]
    pub fn tool_file(&self) -> Option<&'static str> {
        TOOL_FILES.into_iter().find(|name| self.paths().any(|path| path == Path::new(name)))
    }
}

/// What a work tree looks like now, as [`Plan::mark`] says it. It tells that a file was written, not what.
///
/// # Errors
///
/// As [`Plan::read`].
pub fn mark_now(repository: &Repository, include_untracked: bool) -> Result<String, WorkspaceError> {
    let listed = listed_of_work_tree(repository, include_untracked)?;
    look(repository, &listed.files).map(|(mark, _)| mark)
}

fn commit_of(repository: &Repository, wanted: &Wanted) -> Result<String, WorkspaceError> {
    let bad = |name: &str, why, hint| WorkspaceError::BadReference { name: name.to_owned(), why, hint };
    let Some(from) = &wanted.from else {
        return repository.head()?.ok_or_else(|| WorkspaceError::NoRepository {
            path: repository.top().to_owned(),
            why: "has no commit yet",
            hint: "Commit something first.",
        });
    };
    if wanted.branch.is_none() {
        return Err(bad(from, "is where a new branch would begin", "Give the branch a name: --branch NAME."));
    }
    let hint = "`git log` and `git branch` list what there is.";
    repository.commit(from)?.ok_or_else(|| bad(from, "is no commit of the repository", hint))
}

/// Holds the name of a new branch to be one, and to be new.
fn new_branch(repository: &Repository, name: &str) -> Result<String, WorkspaceError> {
    let bad = |why, hint| WorkspaceError::BadReference { name: name.to_owned(), why, hint };
    let full = format!("refs/heads/{name}");
    let is_name = !name.starts_with('-')
        && name != "HEAD"
        && repository.git().ask("check a name", ["check-ref-format", &full])?.is_some();
    if !is_name {
        return Err(bad("is no name for a branch", "`git check-ref-format` knows the rules."));
    }
    if repository.git().ask("find a branch", ["rev-parse", "--verify", "--quiet", &full])?.is_some() {
        return Err(bad(
            "is a branch already",
            "Give a new name, or check that branch out and leave out --branch.",
        ));
    }
    Ok(name.to_owned())
}

/// What git lists.
#[derive(Debug, Default)]
struct Listed {
    index: Vec<Entry>,
    files: Vec<Planned>,
    notes: Vec<String>,
}

fn listed_of_commit(repository: &Repository, commit: &str) -> Result<Listed, WorkspaceError> {
    let text =
        repository.git().run("list a commit's files", ["ls-tree", "-r", "-z", "--full-tree", commit])?;
    let index = listing::tree(&text)?;
    let mut listed = Listed::default();
    for entry in &index {
        if entry.mode == SUBMODULE {
            listed.notes.push(format!(
                "the submodule {} is left out: --from copies what this repository has committed itself",
                entry.path.display()
            ));
        } else {
            let known = Some((entry.mode, entry.oid.clone()));
            listed.files.push(Planned { path: entry.path.clone(), known });
        }
    }
    Ok(Listed { index, ..listed })
}

fn listed_of_work_tree(repository: &Repository, include_untracked: bool) -> Result<Listed, WorkspaceError> {
    let mut listed = Listed::default();
    let mut files = BTreeMap::new();
    let mut left = vec![(PathBuf::new(), repository.git().clone(), 0)];
    while let Some((below, git, depth)) = left.pop() {
        let index = listing::index(&git.run("list the index", ["ls-files", "-z", "-s", "-t"])?)?;
        let is_top = below.as_os_str().is_empty();
        for entry in &index {
            // What a person chose not to have here is not missed, a submodule no more than a file.
            if entry.is_absent {
                continue;
            }
            let path = below.join(&entry.path);
            if entry.mode == SUBMODULE {
                let dir = repository.top().join(&path);
                match is_checked_out(&dir) {
                    Some(true) if depth < SUBMODULES_DEEP_MAX => {
                        left.push((path, Git::of(&dir), depth + 1));
                    }
                    Some(true) => {
                        listed.notes.push(format!("the submodule {} is left out: too deep", path.display()));
                    }
                    Some(false) => return Err(WorkspaceError::NotCheckedOut { path }),
                    // Deleted, as a file may be.
                    None => {}
                }
            } else {
                // A submodule's files are plain files to the guest, which has no objects of it.
                let known = (is_top && entry.stage == 0).then(|| (entry.mode, entry.oid.clone()));
                files.insert(path, known);
            }
        }
        untracked(&git, &below, include_untracked, &mut files, &mut listed.notes)?;
        if is_top {
            listed.index = index;
        }
    }
    listed.files = files.into_iter().map(|(path, known)| Planned { path, known }).collect();
    Ok(listed)
}

/// Whether a submodule has files here; `None` where it has not even a directory. git makes an empty one for each that it
/// does not check out.
fn is_checked_out(dir: &Path) -> Option<bool> {
    dir.symlink_metadata().ok().map(|_| dir.join(".git").symlink_metadata().is_ok())
}

type Files = BTreeMap<PathBuf, Option<(u32, String)>>;

fn untracked(
    git: &Git,
    below: &Path,
    are_wanted: bool,
    files: &mut Files,
    notes: &mut Vec<String>,
) -> Result<(), WorkspaceError> {
    let args = ["ls-files", "-z", "--others", "--exclude-standard"];
    let (others, repositories) = listing::untracked(&git.run("list what git does not track", args)?)?;
    if are_wanted {
        for path in repositories {
            notes.push(format!("{} is a repository of its own, and left out", below.join(path).display()));
        }
        files.extend(others.into_iter().map(|path| (below.join(path), None)));
    } else if !others.is_empty() {
        let place =
            if below.as_os_str().is_empty() { String::new() } else { format!(" in {}", below.display()) };
        notes.push(format!("{} untracked files{place} are left out (--include-untracked)", others.len()));
    }
    Ok(())
}

/// What the files look like, and their bytes in all.
fn look(repository: &Repository, files: &[Planned]) -> Result<(String, u64), WorkspaceError> {
    let tree = WorkTree::open(repository.top())?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    for file in files {
        let (kind, stat) = match tree.look(&file.path)? {
            Found::File(stat) => ('f', stat),
            Found::Link(stat, _) => ('l', stat),
            Found::Nothing => continue,
        };
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        bytes += size;
        let (mode, secs, nanos) = (stat.st_mode, stat.st_mtime, stat.st_mtime_nsec);
        hash.update(file.path.as_os_str().as_bytes());
        hash.update(format!("\0{kind} {mode:o} {size} {secs} {nanos}\n"));
    }
    Ok((hex(&hash.finalize()), bytes))
}

/// The objects that an index has besides those of `known`.
pub(super) fn further_objects<'a>(index: &'a [Entry], known: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let entries = index.iter().filter(|entry| entry.mode != SUBMODULE);
    entries.map(|entry| &*entry.oid).filter(|oid| !known.contains(oid)).collect()
}

/// How git writes the mode of a file with these permissions.
pub(super) fn git_mode(is_link: bool, permissions: u32) -> u32 {
    match (is_link, permissions & 0o100) {
        (true, _) => LINK,
        (false, 0) => listing::FILE,
        (false, _) => listing::PROGRAM,
    }
}
