//! A home of its own for each test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A home in which nothing is, and the program.
pub(crate) struct Host {
    home: tempfile::TempDir,
}

impl Host {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        for dir in ["runtime", "state", "cache", "config", "work"] {
            std::fs::create_dir(home.path().join(dir)).unwrap();
        }
        Self { home }
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// The program in this home, with a copy of it that has no daemon beside it.
    pub(crate) fn banger(&self) -> Command {
        let program = self.home.path().join("banger");
        if !program.exists() {
            // A link would be resolved to where the daemon may be.
            std::fs::hard_link(env!("CARGO_BIN_EXE_banger"), &program)
                .or_else(|_| std::fs::copy(env!("CARGO_BIN_EXE_banger"), &program).map(|_| ()))
                .unwrap();
        }
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).current_dir(self.work());
        for (name, dir) in [
            ("HOME", ""),
            ("XDG_RUNTIME_DIR", "runtime"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
            ("XDG_CONFIG_HOME", "config"),
            // Whatever is installed on the host that runs the tests is none of theirs.
            ("BANGER_SYSTEM_ROOT", "root"),
        ] {
            command.env(name, self.home.path().join(dir));
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.banger().args(arguments).output().unwrap()
    }

    /// Stdout, stderr and exit code as one text, without what differs from host to host.
    pub(crate) fn look(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(self.home.path().to_str().unwrap(), "~");
        format!("{}{}exit {}", text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }
}
