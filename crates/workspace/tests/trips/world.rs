//! A host's repository and a guest's directory, both real and both here: what runs in the guest runs in a directory.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use workspace::{GuestGit, Patch, Plan, Repository, Wanted, WorkspaceError, script};

/// A host's repository and a guest.
pub(crate) struct World {
    dir: TempDir,
}

/// Every file and link below a directory but git's own: what it is, and what it holds.
pub(crate) type Tree = BTreeMap<PathBuf, (char, Vec<u8>)>;

impl World {
    /// One with an empty repository.
    pub(crate) fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(world.host()).unwrap();
        world.git(&["init", "-q", "-b", "main"]);
        world
    }

    /// One whose repository has another as its submodule `sub/mod`, which lasts as long as the second.
    pub(crate) fn with_submodule() -> (Self, Self) {
        let inner = Self::new();
        inner.write("inside", "one\n");
        inner.commit("first");
        let world = Self::new();
        world.write("file", "f\n");
        world.git(&["submodule", "add", "-q", inner.host().to_str().unwrap(), "sub/mod"]);
        world.commit("first");
        (world, inner)
    }

    pub(crate) fn host(&self) -> PathBuf {
        self.dir.path().join("host repo")
    }

    pub(crate) fn guest(&self) -> PathBuf {
        self.dir.path().join("guest/repo")
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        git(&self.host(), args)
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.host().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn commit(&self, what: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", what]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn plan(&self, wanted: &Wanted) -> Result<Plan, WorkspaceError> {
        Plan::read(Repository::find(&self.host())?, wanted)
    }

    /// Copies the repository in, as `banger` does: beside, then into its place.
    pub(crate) fn copy_in(&self, wanted: &Wanted) -> Result<Plan, WorkspaceError> {
        let plan = self.plan(wanted)?;
        let stage = self.dir.path().join("guest/.stage");
        fs::create_dir_all(&stage).unwrap();
        let mut tar = vec![];
        let sent = plan.send(&mut tar, false, &|_| {})?;
        unpack(&tar, &stage);
        let git = GuestGit::build(&plan, &sent)?;
        run(Command::new("cp").arg("-r").arg(git.path()).arg(stage.join(".git")));
        let found = self.look();
        if matches!(&*found, "absent" | "empty") {
            sh(script::LAND, &[&self.guest(), &stage]);
        } else {
            sh(script::RESERVE, &[&stage]);
            sh(script::UPDATE, &[&self.guest(), &stage]);
        }
        assert!(!stage.exists() && !self.guest().join(".git/banger/room").exists());
        Ok(plan)
    }

    /// What is where the copy goes.
    pub(crate) fn look(&self) -> String {
        sh(script::LOOK, &[&self.guest()]).trim().to_owned()
    }

    pub(crate) fn export(&self, base: &str) -> Vec<u8> {
        let mut command = Command::new("sh");
        command.args(["-c", script::EXPORT, "sh"]).arg(self.guest()).args([base, "patch"]);
        run(clean(&mut command))
    }

    /// Makes what was exported last the base.
    pub(crate) fn advance(&self) {
        sh(script::ADVANCE, &[&self.guest()]);
    }

    /// Applies a patch; returns what was here already.
    pub(crate) fn apply(&self, patch: &[u8]) -> Result<Vec<PathBuf>, WorkspaceError> {
        Patch::new(patch, &Repository::find(&self.host())?)?.apply()
    }
}

fn clean(command: &mut Command) -> &mut Command {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1")
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output.stdout
}

fn sh(script: &str, args: &[&Path]) -> String {
    String::from_utf8(run(Command::new("sh").args(["-c", script, "sh"]).args(args))).unwrap()
}

pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"];
    command.arg("-C").arg(dir).args(who).args(args);
    String::from_utf8_lossy(&run(clean(&mut command))).trim().to_owned()
}

fn unpack(tar: &[u8], to: &Path) {
    let mut archive = tar::Archive::new(tar);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    archive.unpack(to).unwrap();
}

/// What lies below `dir`.
pub(crate) fn tree(dir: &Path) -> Tree {
    let (mut tree, mut left) = (Tree::new(), vec![dir.to_owned()]);
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let name = path.strip_prefix(dir).unwrap().to_owned();
            if path.file_name().unwrap() == ".git" {
                continue;
            }
            if metadata.is_dir() {
                left.push(path);
            } else if metadata.is_symlink() {
                let to = fs::read_link(&path).unwrap();
                tree.insert(name, ('l', to.into_os_string().into_encoded_bytes()));
            } else {
                let kind = if metadata.permissions().mode() & 0o100 == 0 { 'f' } else { 'x' };
                tree.insert(name, (kind, fs::read(&path).unwrap()));
            }
        }
    }
    tree
}
