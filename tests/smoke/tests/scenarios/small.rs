//! Small file systems, and what fills them.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use smoke::{Command, Host, Running};

/// A directory on a small file system of its own, in a mount namespace that ends with this.
pub(crate) struct Small {
    keeper: Running,
    /// The directory as it is seen from outside.
    pub(crate) seen: PathBuf,
}

impl Small {
    /// Makes a state directory of it; nobody but root may.
    pub(crate) fn new(host: &Host, options: &str) -> Self {
        const MAKE: &str = "set -e
            keep=\"$XDG_RUNTIME_DIR/../keep\"
            mkdir \"$keep\"
            mount -t tmpfs -o \"mode=0700,$2\" none \"$keep\"
            for name in images kernels templates; do
                [ ! -d \"$1/$name\" ] || { mkdir \"$keep/$name\"; mount --bind \"$1/$name\" \"$keep/$name\"; }
            done
            for name in kvm.json tsc.json; do [ ! -f \"$1/$name\" ] || cp \"$1/$name\" \"$keep\"; done
            mount --rbind \"$keep\" \"$1\"
            echo mounted
            exec sleep 3600";
        let state = host.dir().join("state/banger");
        fs::create_dir_all(&state).unwrap();
        Self::made(host, MAKE, &state, options)
    }

    /// Has what lies in `dir` lie on a small file system of its own instead; nobody but root may.
    pub(crate) fn holding(host: &Host, dir: &Path, options: &str) -> Self {
        const MAKE: &str = "set -e
            keep=\"$XDG_RUNTIME_DIR/../keep\"
            mkdir \"$keep\"
            mount -t tmpfs -o \"mode=0755,$2\" none \"$keep\"
            cp -a \"$1/.\" \"$keep\"
            mount --bind \"$keep\" \"$1\"
            echo mounted
            exec sleep 3600";
        Self::made(host, MAKE, dir, options)
    }

    fn made(host: &Host, script: &str, dir: &Path, options: &str) -> Self {
        let call = host.program("unshare").args(["--mount", "sh", "-c", script, "sh"]).args([dir]);
        let mut keeper = call.args([options]).limit(Duration::from_mins(15)).start();
        keeper.wait_for_text("mounted");
        let seen = PathBuf::from(format!("/proc/{}/root", keeper.pid())).join(dir.strip_prefix("/").unwrap());
        Self { keeper, seen }
    }

    /// A call of a program that sees the small file system.
    pub(crate) fn program(&self, host: &Host, program: &str) -> Command {
        let pid = self.keeper.pid().to_string();
        host.program("nsenter").args(["--mount", "--target", &pid, program])
    }
}

/// What fills a file system until it is dropped.
pub(crate) struct Filler(PathBuf);

impl Filler {
    /// Takes all bytes of `dir`'s, but for `but_kib`.
    pub(crate) fn bytes(dir: &Path, but_kib: u64) -> Self {
        let filler = Self::new(dir);
        let mut file = File::create(filler.0.join("bytes")).unwrap();
        let block = [1; 4096];
        until_full(|_| file.write_all(&block));
        file.set_len(file.metadata().unwrap().len() - but_kib * 1024).unwrap();
        filler
    }

    /// Takes every file that `dir`'s may have, but for `but`.
    pub(crate) fn files(dir: &Path, but: u64) -> Self {
        let filler = Self::new(dir);
        let name = |number: u64| filler.0.join(number.to_string());
        let count = until_full(|number| File::create(name(number)).map(drop));
        (count - but..count).for_each(|number| fs::remove_file(name(number)).unwrap());
        filler
    }

    fn new(dir: &Path) -> Self {
        let path = dir.join("filler");
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// Does something until there is no room; returns how often.
fn until_full(mut work: impl FnMut(u64) -> io::Result<()>) -> u64 {
    for number in 0.. {
        match work(number) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return number,
            Err(error) => panic!("fill: {error}"),
        }
    }
    0
}
