//! The guest's `.git`, built here, so that a guest needs no git to get one.
//!
//! It is a repository of its own from the beginning: it borrows the host's objects while it is built, packs what it
//! needs, and then lets go. Nothing in it is the host's configuration, and no hook comes along.
//!
//! Beside the repository that the guest works with lies `banger/`, a second one with the same objects: its index and
//! the tree `refs/banger/base` are what was copied, byte by byte, whatever attributes say of line ends and filters. The
//! guest's work is the difference from that.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::{
    files::Sent,
    objects::keep_blob,
    plan::{GENERATIONS, History, Plan, further_objects},
    work_tree::{Found, WorkTree},
};
use crate::{
    WorkspaceError, git::Git, history, listing::Entry, origin::without_secrets, repository::ObjectFormat,
    scratch::Scratch,
};

/// Attributes under which git takes every file as it is.
pub(crate) const RAW: &str = "* -text -filter -ident -working-tree-encoding\n";

/// How many commits are looked at to find where the history ends.
const COMMITS_MAX: &str = "--max-count=4000";

/// A guest's `.git`, on this host until it is dropped.
#[derive(Debug)]
pub struct GuestGit {
    scratch: Scratch,
    base: String,
}

impl GuestGit {
    /// Builds it for the files that were sent.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::Changed`] where a file that git does not have is not what it was when it was sent;
    /// [`WorkspaceError::Scratch`] where there is no room; what git fails with. Nothing is left then.
    pub fn build(plan: &Plan, sent: &Sent) -> Result<Self, WorkspaceError> {
        let scratch = Scratch::new()?;
        let builder = Builder { plan, dir: scratch.path().join("git") };
        let base = builder.build(sent, &scratch.path().join("work"))?;
        Ok(Self { scratch, base })
    }

    /// The directory that becomes the guest's `.git`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.scratch.path().join("git")
    }

    /// The tree that was copied.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }
}

struct Builder<'a> {
    plan: &'a Plan,
    dir: PathBuf,
}

impl Builder<'_> {
    fn build(&self, sent: &Sent, work: &Path) -> Result<String, WorkspaceError> {
        make_dir(work)?;
        for dir in
            ["objects/pack", "objects/info", "refs/heads", "info", "banger/objects/info", "banger/refs/heads"]
        {
            make_dir(&self.dir.join(dir))?;
        }
        make_dir(&self.dir.join("banger/info"))?;
        let git = Git::ours(&self.dir, work);
        self.borrow()?;
        self.configuration(&git)?;
        let refs = self.references()?;
        self.keep_new_blobs(sent)?;
        let base = self.base(&git, sent)?;
        self.index(&git)?;
        self.pack(&git, &refs, &base, sent)?;
        self.let_go()?;
        self.banger(&base, sent)?;
        Ok(base)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), WorkspaceError> {
        let path = self.dir.join(name);
        if let Some(dir) = path.parent() {
            make_dir(dir)?;
        }
        fs::write(&path, bytes).map_err(|source| WorkspaceError::Scratch { path, source })
    }

    /// Reads the host's objects as if they were here.
    fn borrow(&self) -> Result<(), WorkspaceError> {
        let objects = self.plan.repository.git_path("objects")?;
        self.write("objects/info/alternates", quoted(&objects))
    }

    fn let_go(&self) -> Result<(), WorkspaceError> {
        let objects = self.dir.join("objects");
        let failed = |source| WorkspaceError::Scratch { path: objects.clone(), source };
        fs::remove_file(objects.join("info/alternates")).map_err(failed)?;
        // What was kept loose is packed by now.
        for entry in fs::read_dir(&objects).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().len() == 2 {
                fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn configuration(&self, git: &Git) -> Result<(), WorkspaceError> {
        let plan = self.plan;
        let mut text = match plan.format {
            ObjectFormat::Sha1 => "[core]\n\trepositoryformatversion = 0\n".to_owned(),
            ObjectFormat::Sha256 => {
                "[extensions]\n\tobjectformat = sha256\n[core]\n\trepositoryformatversion = 1\n".to_owned()
            }
        };
        text.push_str("\tfilemode = true\n\tbare = false\n");
        self.write("config", &text)?;
        self.write("banger/config", &text)?;
        let mut settings = vec![
            ("log.excludeDecoration".to_owned(), Some("refs/banger/*".to_owned())),
            ("user.name".to_owned(), plan.repository.setting("user.name")?),
            ("user.email".to_owned(), plan.repository.setting("user.email")?),
        ];
        if let Some(url) = plan.repository.setting("remote.origin.url")? {
            settings.push(("remote.origin.url".to_owned(), Some(without_secrets(&url))));
            let fetch = "+refs/heads/*:refs/remotes/origin/*".to_owned();
            settings.push(("remote.origin.fetch".to_owned(), Some(fetch)));
        }
        if let Some(branch) = &plan.branch {
            for key in ["remote", "merge"].map(|key| format!("branch.{branch}.{key}")) {
                let value = plan.repository.setting(&key)?;
                settings.push((key, value));
            }
        }
        let file = self.dir.join("config");
        for (key, value) in settings {
            if let Some(value) = value {
                let args = [Path::new("config"), "--file".as_ref(), &file, key.as_ref(), value.as_ref()];
                git.run("write the guest's configuration", args)?;
            }
        }
        Ok(())
    }

    /// Writes where branches stand and where the history ends. Returns what the objects are found from.
    fn references(&self) -> Result<Vec<String>, WorkspaceError> {
        let plan = self.plan;
        let git = plan.repository.git();
        let mut starts = vec![plan.commit.clone()];
        let mut packed = String::new();
        if plan.history == History::Whole {
            let what = "list the branches and tags";
            let args = [
                "for-each-ref",
                "--format=%(objectname) %(refname)",
                "refs/heads",
                "refs/tags",
                "refs/remotes",
            ];
            packed =
                String::from_utf8(git.run(what, args)?).map_err(|_| WorkspaceError::BadAnswer { what })?;
            starts.extend(packed.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned));
        }
        match &plan.branch {
            Some(branch) => {
                let name = format!("refs/heads/{branch}");
                packed = packed
                    .lines()
                    .filter(|line| !line.ends_with(&format!(" {name}")))
                    .fold(String::new(), |kept, line| kept + line + "\n");
                self.write(&name, format!("{}\n", plan.commit))?;
                self.write("HEAD", format!("ref: {name}\n"))?;
            }
            None => self.write("HEAD", format!("{}\n", plan.commit))?,
        }
        if !packed.is_empty() {
            self.write("packed-refs", packed)?;
        }
        self.ends()?;
        Ok(starts)
    }

    fn ends(&self) -> Result<(), WorkspaceError> {
        let plan = self.plan;
        // Where the host's own history ends, ours does.
        let shallow = fs::read_to_string(plan.repository.git_path("shallow")?).unwrap_or_default();
        let mut ends: BTreeSet<String> = shallow.lines().map(str::to_owned).collect();
        if plan.history == History::Recent {
            let what = "look at the history";
            let text =
                plan.repository.git().run(what, ["rev-list", "--parents", COMMITS_MAX, &plan.commit])?;
            let text = String::from_utf8(text).map_err(|_| WorkspaceError::BadAnswer { what })?;
            let commits = history::parse(&text);
            ends.retain(|commit| commits.contains_key(&**commit));
            ends.extend(history::ends(&commits, &plan.commit, GENERATIONS));
        }
        if ends.is_empty() {
            return Ok(());
        }
        self.write("shallow", ends.into_iter().fold(String::new(), |text, commit| text + &commit + "\n"))
    }

    fn keep_new_blobs(&self, sent: &Sent) -> Result<(), WorkspaceError> {
        let (plan, objects) = (self.plan, self.dir.join("objects"));
        let top = plan.repository.top();
        let tree = WorkTree::open(top)?;
        for file in sent.files.iter().filter(|file| !file.is_known) {
            let changed = || WorkspaceError::Changed { path: top.join(&file.path) };
            let keep = |from: &mut dyn io::Read| keep_blob(&objects, plan.format, &file.oid, file.size, from);
            let is_same = if let Found::Link(_, link) = tree.look(&file.path)? {
                let to = tree.link(&file.path, &link)?;
                keep(&mut to.as_bytes())?
            } else {
                let (mut from, _) = tree.file(&file.path)?.ok_or_else(changed)?;
                keep(&mut io::Read::take(&mut from, file.size))?
            };
            if !is_same {
                return Err(changed());
            }
        }
        Ok(())
    }

    /// Makes the tree of what was sent, and the index of it.
    fn base(&self, git: &Git, sent: &Sent) -> Result<String, WorkspaceError> {
        let what = "write the tree that was copied";
        let mut entries = vec![];
        for file in &sent.files {
            let (path, oid) = (file.path.clone(), file.oid.clone());
            Entry { path, oid, mode: file.mode, stage: 0, is_absent: false }.write(&mut entries);
        }
        let git = git.with_index(&self.dir.join("banger/index"));
        git.feed(what, ["update-index", "-z", "--index-info"], &entries)?;
        let tree = git.ask(what, ["write-tree"])?;
        tree.ok_or(WorkspaceError::Git { what, said: "an object is missing".to_owned() })
    }

    /// Makes the guest's index as the host's is: what is staged is staged there, too.
    fn index(&self, git: &Git) -> Result<(), WorkspaceError> {
        let what = "write the guest's index";
        let (mut entries, mut absent) = (vec![], vec![]);
        for entry in &self.plan.index {
            entry.write(&mut entries);
            if entry.is_absent {
                absent.extend_from_slice(entry.path.as_os_str().as_bytes());
                absent.push(0);
            }
        }
        git.feed(what, ["update-index", "-z", "--index-info"], &entries)?;
        if !absent.is_empty() {
            git.feed(what, ["update-index", "-z", "--skip-worktree", "--stdin"], &absent)?;
        }
        Ok(())
    }

    fn pack(&self, git: &Git, starts: &[String], base: &str, sent: &Sent) -> Result<(), WorkspaceError> {
        let known = sent.files.iter().map(|file| &*file.oid).collect();
        let further = further_objects(&self.plan.index, &known);
        let names = starts.iter().map(String::as_str).chain([base]).chain(further);
        let input = names.fold(String::new(), |text, name| text + name + "\n");
        let pack = self.dir.join("objects/pack/pack");
        let args = ["pack-objects".as_ref(), "--revs".as_ref(), "--quiet".as_ref(), pack.as_os_str()];
        git.feed("pack what the guest needs", args, input.as_bytes())?;
        Ok(())
    }

    /// Writes the second repository, and what tells later what was copied.
    fn banger(&self, base: &str, sent: &Sent) -> Result<(), WorkspaceError> {
        let exclude = fs::read(self.plan.repository.git_path("info/exclude")?).unwrap_or_default();
        self.write("info/exclude", &exclude)?;
        self.write("banger/info/exclude", &exclude)?;
        self.write("banger/info/attributes", RAW)?;
        self.write("banger/HEAD", "ref: refs/heads/none\n")?;
        self.write("banger/objects/info/alternates", "../../objects\n")?;
        self.write("banger/base", format!("{base}\n"))?;
        self.write("banger/commit", format!("{}\n", self.plan.commit))?;
        // So that the guest's own git keeps its objects.
        self.write("refs/banger/base", format!("{base}\n"))?;
        let mut copied = vec![];
        for file in &sent.files {
            copied.extend_from_slice(file.path.as_os_str().as_bytes());
            copied.push(0);
        }
        self.write("banger/copied", copied)
    }
}

fn make_dir(path: &Path) -> Result<(), WorkspaceError> {
    fs::create_dir_all(path).map_err(|source| WorkspaceError::Scratch { path: path.to_owned(), source })
}

/// A path as a line of git's list of alternates: in quotes, with what is odd as octal numbers.
fn quoted(path: &Path) -> String {
    let mut text = "\"".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b' '..=b'~' if !b"\"\\".contains(byte) => text.push(char::from(*byte)),
            // Writing into a string cannot fail.
            byte => drop(write!(text, "\\{byte:03o}")),
        }
    }
    text + "\"\n"
}
