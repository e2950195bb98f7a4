//! A repository of the host's.

use std::path::PathBuf;

use smoke::Host;

use crate::common::here::sh;

/// One with what a copy must keep, what it must not take, and changes that are not committed.
const PLANT: &str = "set -e
    git init -q -b main \"$1\"
    cd \"$1\"
    git config user.name 'Ada Person'
    git config user.email ada@example.org
    git remote add origin https://ada:secret@example.org/app.git
    mkdir -p deep/er
    echo one >tracked
    echo spaces >'deep/er/file with spaces'
    printf '#!/bin/sh\\necho ran\\n' >run.sh
    chmod 755 run.sh
    ln -s deep/er link
    printf 'ignored\\nout/\\n' >.gitignore
    git add -A
    git commit -q -m first
    echo 'changed here' >tracked
    echo untracked >untracked
    echo ignored >ignored";

/// A repository in the home, with a first commit.
pub(crate) struct Repo<'a> {
    host: &'a Host,
    pub(super) name: &'a str,
}

impl<'a> Repo<'a> {
    /// Makes one.
    pub(crate) fn plant(host: &'a Host, name: &'a str) -> Self {
        sh(host, PLANT, &[name]);
        Self { host, name }
    }

    /// One that was planted.
    pub(super) fn at(host: &'a Host, name: &'a str) -> Self {
        Self { host, name }
    }

    /// Where it is on the host.
    pub(super) fn path(&self) -> PathBuf {
        self.host.home().join(self.name)
    }

    /// Runs a script in it; returns what it printed.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        let sh = self.host.program("/bin/sh").args(["-ec", script]).dir(self.path());
        sh.run().ok().stdout()
    }

    #[track_caller]
    pub(super) fn git(&self, args: &[&str]) -> String {
        let output = self.host.program("git").args(args).dir(self.path()).run().ok();
        output.stdout().trim().to_owned()
    }

    #[track_caller]
    pub(super) fn write(&self, path: &str, text: &str) {
        let write = self.host.program("/bin/sh").args(["-c", "cat >\"$1\"", "sh", path]).dir(self.path());
        write.stdin(text).run().ok();
    }

    #[track_caller]
    pub(super) fn read(&self, path: &str) -> String {
        self.host.program("cat").args([path]).dir(self.path()).run().ok().stdout()
    }

    #[track_caller]
    pub(super) fn commit(&self, what: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", what]);
        self.git(&["rev-parse", "HEAD"])
    }
}
