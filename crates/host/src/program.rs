//! Programs on `PATH`.

use std::{
    env,
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Where administrators' programs lie, which an ordinary user's `PATH` may leave out.
const ALSO: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Finds a program on this process's `PATH`, then among administrators' programs. `name` with a `/` is
/// a path, and is that file or nothing. Relative directories on `PATH` are skipped.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    find_on(name, env::var_os("PATH").as_deref().unwrap_or_default())
}

/// As [`find`], with the `PATH` given.
#[must_use]
pub fn find_on(name: &str, path: &OsStr) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|file| is_program(file));
    }
    let dirs = env::split_paths(path).filter(|dir| dir.is_absolute());
    dirs.chain(ALSO.map(PathBuf::from)).map(|dir| dir.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_files_that_can_be_executed_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().as_os_str();
        let file = dir.path().join("tool-of-this-test");
        assert_eq!(find_on("tool-of-this-test", path), None);
        fs::write(&file, "").unwrap();
        assert_eq!(find_on("tool-of-this-test", path), None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_on("tool-of-this-test", path), Some(file.clone()));
        assert_eq!(find_on(file.to_str().unwrap(), OsStr::new("")), Some(file));
        assert_eq!(find_on("tool-of-this-test", OsStr::new("")), None);
        assert!(find("sh").is_some());
    }
}
