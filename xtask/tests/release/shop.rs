//! A directory with a key, four programs, and what is offered of them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use release::PROGRAMS;
use tempfile::TempDir;
use xtask::{
    chain,
    release::{Allow, Cut, cut},
};

/// The tree that this is a test of.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Cuts a release of a tree, and returns what is said.
pub(crate) fn cut_of(tree: &Path, release: &Cut) -> Result<String, String> {
    cut(tree, release).map_err(|error| chain(&error))
}

pub(crate) struct Shop(TempDir);

impl Shop {
    /// Makes it, with a key of its own.
    pub(crate) fn new() -> Self {
        let shop = Self(tempfile::tempdir().unwrap());
        fs::create_dir(shop.dir().join("programs")).unwrap();
        for program in PROGRAMS {
            shop.program(program, "v0.0.0");
        }
        shop.sh("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem");
        shop.sh("openssl pkey -in key.pem -pubout -out key.pub");
        shop
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir().join("out")
    }

    /// Writes a program that says which release it is, and otherwise what it was asked to do. Asked to install itself, it
    /// keeps what lies beside it in `~/installed`.
    pub(crate) fn program(&self, name: &str, version: &str) {
        let path = self.dir().join("programs").join(name);
        let commit = "0".repeat(40);
        let text = format!(
            "#!/bin/sh\nif [ \"$1\" = version ]; then\n\
             printf 'version: {version}\\ncommit: {commit}\\nbuilt_at: 2026-05-01T10:00:00Z\\n'\n\
             else echo \"{name} $*\"; fi\n\
             [ \"$*\" != 'internal user-install' ] || cp -R \"${{0%/*}}\" \"$HOME/installed\"\n"
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A release of the programs that is to be cut, with everything allowed but `demanded`.
    pub(crate) fn release(&self, version: &str, demanded: &[&str]) -> Cut {
        let all = [
            ("dirty", Allow::Dirty),
            ("version", Allow::Version),
            ("changelog", Allow::Changelog),
            ("key", Allow::Key),
        ];
        let allow = all.into_iter().filter(|(name, _)| !demanded.contains(name)).map(|(_, allow)| allow);
        Cut {
            version: version.parse().unwrap(),
            key: Some(self.dir().join("key.pem")),
            out: self.out(),
            programs: Some(self.dir().join("programs")),
            allow: allow.collect(),
        }
    }

    /// Cuts it, of this tree.
    pub(crate) fn cut(&self, version: &str, demanded: &[&str]) -> Result<(), String> {
        cut_of(repository(), &self.release(version, demanded)).map(drop)
    }

    /// Runs a line of shell there, and returns what it printed.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = Command::new("sh").current_dir(self.dir()).args(["-euc", script]).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
