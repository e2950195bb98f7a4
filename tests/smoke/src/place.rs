//! Where things are.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

/// The programs that a scenario needs.
const PROGRAMS: [&str; 3] = ["banger", "bangerd", "banger-vsock-agent"];

/// The programs that a system install has besides.
const SYSTEM_PROGRAMS: [&str; 1] = ["bangerd-root"];

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().unwrap_or(root)
}

/// The directory under which scenarios keep everything, made where it is not there.
pub(crate) fn smoke(name: &str) -> PathBuf {
    let dir = repository().join("target/smoke").join(name);
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("create {}: {error}", dir.display()));
    dir
}

/// The directory of what all scenarios share: `BANGER_TEST_CACHE`, or one under `target`.
pub(crate) fn cache() -> PathBuf {
    env::var_os("BANGER_TEST_CACHE").map_or_else(|| smoke("cache"), PathBuf::from)
}

/// The directory of the programs: `BANGER_TEST_PROGRAMS`, or `target/release`.
pub(crate) fn programs() -> PathBuf {
    let dir = env::var_os("BANGER_TEST_PROGRAMS")
        .map_or_else(|| repository().join("target/release"), PathBuf::from);
    for name in PROGRAMS {
        let path = dir.join(name);
        assert!(path.is_file(), "{} is not there; run `make build` first", path.display());
    }
    dir
}

/// Puts the programs into a directory of their own, where no build replaces them.
pub(crate) fn copy_programs(to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for name in PROGRAMS.iter().chain(&SYSTEM_PROGRAMS) {
        let from = programs().join(name);
        if from.exists() {
            fs::copy(from, to.join(name))?;
        }
    }
    Ok(())
}

/// Tells one build of the programs from another.
pub(crate) fn programs_mark() -> String {
    let dir = programs();
    let mark = |name| {
        let path = dir.join(name);
        let found = fs::metadata(&path).and_then(|meta| Ok((meta.len(), meta.modified()?)));
        found.unwrap_or_else(|error| panic!("look at {}: {error}", path.display()))
    };
    format!("{:?}", PROGRAMS.map(mark))
}

/// Tells one boot of this host from another.
pub(crate) fn host_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}

/// The recipe that an image is built of, as text.
pub(crate) fn recipe(image: &str) -> String {
    let path = repository().join(format!("crates/image/recipes/{image}.toml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}
