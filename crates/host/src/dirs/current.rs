//! Which program counts where releases lie beside each other.

use std::path::{Path, PathBuf};

/// The program that counts in the place of `program`: of an install with releases that of the current one,
/// `…/current/bangerd` for `…/releases/<version>/bangerd`; else itself.
#[must_use]
pub fn in_current_release(program: &Path) -> PathBuf {
    // What the system says of a file that is gone (proc_pid_exe(5)).
    let program =
        program.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map_or(program, Path::new);
    let releases = program.parent().and_then(Path::parent).filter(|dir| dir.ends_with("releases"));
    match (releases.and_then(Path::parent), program.file_name()) {
        (Some(install), Some(name)) if install.join("current").is_symlink() => {
            install.join("current").join(name)
        }
        _ => program.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn it_is_that_of_the_current_release_or_the_one_of_the_same_place() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("banger/releases/v1.2.3")).unwrap();
        let own = at("banger/releases/v1.2.3/bangerd");
        assert_eq!(in_current_release(&own), own, "no release is current");
        symlink("releases/v9.9.9", at("banger/current")).unwrap();
        for (own, next) in [
            (own, at("banger/current/bangerd")),
            (at("banger/releases/v1.2.3/bangerd (deleted)"), at("banger/current/bangerd")),
            (at("banger/v1.2.3/bangerd"), at("banger/v1.2.3/bangerd")),
            (at("bangerd (deleted)"), at("bangerd")),
        ] {
            assert_eq!(in_current_release(&own), next, "{}", own.display());
        }
    }
}
