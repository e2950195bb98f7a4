//! A repository of the host's.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
};

use smoke::Host;

/// A repository in the home, with a first commit.
pub(super) struct Repo<'a> {
    host: &'a Host,
    name: &'a str,
}

impl<'a> Repo<'a> {
    /// Makes one with what a copy must keep, what it must not take, and changes that are not committed.
    pub(super) fn plant(host: &'a Host, name: &'a str) -> Self {
        let repo = Self { host, name };
        fs::create_dir(repo.path()).unwrap();
        repo.git(&["init", "-q", "-b", "main"]);
        repo.git(&["config", "user.name", "Ada Person"]);
        repo.git(&["config", "user.email", "ada@example.org"]);
        repo.git(&["remote", "add", "origin", "https://ada:secret@example.org/app.git"]);
        repo.write("tracked", "one\n");
        repo.write("deep/er/file with spaces", "spaces\n");
        repo.write("run.sh", "#!/bin/sh\necho ran\n");
        fs::set_permissions(repo.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("deep/er", repo.path().join("link")).unwrap();
        repo.write(".gitignore", "ignored\nout/\n");
        repo.commit("first");
        repo.write("tracked", "changed here\n");
        repo.write("untracked", "untracked\n");
        repo.write("ignored", "ignored\n");
        repo
    }

    /// One that was planted.
    pub(super) fn at(host: &'a Host, name: &'a str) -> Self {
        Self { host, name }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.host.dir().join("home").join(self.name)
    }

    pub(super) fn git(&self, args: &[&str]) -> String {
        let output = self.host.program("git").args(args).dir(self.path()).run().ok();
        output.stdout().trim().to_owned()
    }

    pub(super) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    pub(super) fn commit(&self, what: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", what]);
        self.git(&["rev-parse", "HEAD"])
    }
}
