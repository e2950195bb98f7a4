//! What git lists: the index, a tree, the untracked.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use crate::WorkspaceError;

/// How git writes the mode of a submodule.
pub(crate) const SUBMODULE: u32 = 0o160_000;
/// How git writes the mode of a link.
pub(crate) const LINK: u32 = 0o120_000;
/// How git writes the mode of a file, and of one that can be run.
pub(crate) const FILE: u32 = 0o100_644;
pub(crate) const PROGRAM: u32 = 0o100_755;

/// A path in an index or a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where.
    pub(crate) path: PathBuf,
    /// How git writes what it is: 0o100644, 0o100755, 0o120000, 0o160000.
    pub(crate) mode: u32,
    /// Its object.
    pub(crate) oid: String,
    /// 0, or the side of a merge that it is on.
    pub(crate) stage: u8,
    /// Whether the person chose not to have it in the work tree.
    pub(crate) is_absent: bool,
}

impl Entry {
    /// The entry as `git update-index -z --index-info` reads it.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        let head = format!("{:o} {} {}\t", self.mode, self.oid, self.stage);
        to.extend_from_slice(head.as_bytes());
        to.extend_from_slice(self.path.as_os_str().as_bytes());
        to.push(0);
    }
}

/// Reads `git ls-files -z -s -t`: `H 100644 <oid> 0<TAB>path`.
pub(crate) fn index(text: &[u8]) -> Result<Vec<Entry>, WorkspaceError> {
    read(text, "list the index", |words| match *words {
        [tag, mode, oid, stage] => Some((mode, oid, stage.parse().ok()?, tag == "S")),
        _ => None,
    })
}

/// Reads `git ls-tree -r -z --full-tree`: `100644 blob <oid><TAB>path`.
pub(crate) fn tree(text: &[u8]) -> Result<Vec<Entry>, WorkspaceError> {
    read(text, "list a commit's files", |words| match *words {
        [mode, _, oid] => Some((mode, oid, 0, false)),
        _ => None,
    })
}

/// A mode, an object, a stage, and whether the file is absent.
type Fields<'a> = (&'a str, &'a str, u8, bool);

fn read(
    text: &[u8],
    what: &'static str,
    fields: impl for<'a> Fn(&[&'a str]) -> Option<Fields<'a>>,
) -> Result<Vec<Entry>, WorkspaceError> {
    let bad = || WorkspaceError::BadAnswer { what };
    let records = text.split(|byte| *byte == 0).filter(|record| !record.is_empty());
    records
        .map(|record| {
            let (head, path) = split(record, b'\t').ok_or_else(bad)?;
            let words: Vec<&str> = std::str::from_utf8(head).map_err(|_| bad())?.split(' ').collect();
            let (mode, oid, stage, is_absent) = fields(&words).ok_or_else(bad)?;
            let mode = u32::from_str_radix(mode, 8).map_err(|_| bad())?;
            Ok(Entry { path: inside(path)?, mode, oid: oid.to_owned(), stage, is_absent })
        })
        .collect()
}

/// Reads `git ls-files -z --others`: the files, and the repositories that lie in this one without being part of it.
pub(crate) fn untracked(text: &[u8]) -> Result<(Vec<PathBuf>, Vec<PathBuf>), WorkspaceError> {
    let (mut files, mut repositories) = (vec![], vec![]);
    for path in text.split(|byte| *byte == 0).filter(|path| !path.is_empty()) {
        match path.strip_suffix(b"/") {
            Some(dir) => repositories.push(inside(dir)?),
            None => files.push(inside(path)?),
        }
    }
    Ok((files, repositories))
}

/// Holds a path to lie in the work tree and out of `.git`: what an index says may be anything.
fn inside(path: &[u8]) -> Result<PathBuf, WorkspaceError> {
    let path = Path::new(OsStr::from_bytes(path));
    let is_plain = |part: Component<'_>| match part {
        Component::Normal(part) => !part.eq_ignore_ascii_case(".git"),
        _ => false,
    };
    if path.components().next().is_some() && path.components().all(is_plain) {
        return Ok(path.to_owned());
    }
    Err(WorkspaceError::BadPath { path: path.display().to_string() })
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = bytes.iter().position(|byte| *byte == at)?;
    Some((&bytes[..place], &bytes[place + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_read_as_it_is() {
        let text = b"H 100644 aa 0\ta b\0S 100755 bb 2\td/\xff\n\t\0H 160000 cc 0\tsub\0";
        let entries = index(text).unwrap();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[1].path.as_os_str().as_bytes(), b"d/\xff\n\t");
        assert_eq!((entries[1].mode, entries[1].stage, entries[1].is_absent), (PROGRAM, 2, true));
        let mut written = vec![];
        entries[1].write(&mut written);
        assert_eq!(written, b"100755 bb 2\td/\xff\n\t\0");
        let entries = tree(b"120000 blob aa\tlink\0").unwrap();
        assert_eq!((entries[0].mode, &*entries[0].oid), (LINK, "aa"));
    }

    #[test]
    fn a_path_that_leaves_or_enters_git_is_refused() {
        for path in ["../x", "/x", "a/../../x", ".git/config", "a/.GIT/hooks/x", "./x", ".."] {
            let text = format!("H 100644 aa 0\t{path}\0");
            assert!(matches!(index(text.as_bytes()), Err(WorkspaceError::BadPath { .. })), "{path}");
            assert!(untracked(format!("{path}\0").as_bytes()).is_err(), "{path}");
        }
        for path in ["a", "a/.gitignore", "..a", ".github/x"] {
            assert!(untracked(format!("{path}\0").as_bytes()).is_ok(), "{path}");
        }
    }

    #[test]
    fn repositories_within_are_told_from_files() {
        let (files, repositories) = untracked(b"a\0dir/b\0other/\0").unwrap();
        assert_eq!(files, [PathBuf::from("a"), "dir/b".into()]);
        assert_eq!(repositories, [PathBuf::from("other")]);
    }

    #[test]
    fn what_git_does_not_print_is_not_guessed_at() {
        for text in [&b"H 100644 aa\tx\0"[..], b"H 10x644 aa 0\tx\0", b"no tab\0"] {
            assert!(matches!(index(text), Err(WorkspaceError::BadAnswer { .. })), "{text:?}");
        }
    }
}
