//! The record of what a release's programs are: `SHA256SUMS` beside them, in the form of sha256sum(1).
//!
//! A release that came with a signed record keeps that one, which may name more files than programs.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::Path,
};

use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    disk::{CHUNK_BYTES, give, new_file},
    plan::{Ids, PROGRAMS, SUMS},
};

/// How the programs of a release are, by its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// There is no record.
    NoRecord,
    /// Each is what the record says.
    Same,
    /// These are not what it says, are not there, or are not in it.
    Differ(Vec<&'static str>),
}

/// Compares the programs in a release's directory with its record. Reads all of them.
///
/// # Errors
///
/// The record, or a program that is there, cannot be read.
pub fn compare(release: &Path) -> io::Result<Compared> {
    let text = match fs::read_to_string(release.join(SUMS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Compared::NoRecord),
        text => text?,
    };
    let recorded = read(&text);
    let mut differ = vec![];
    for name in PROGRAMS {
        let found = match digest(&release.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => Some(found?),
        };
        if found.is_none() || found.as_ref() != recorded.get(name) {
            differ.push(name);
        }
    }
    Ok(if differ.is_empty() { Compared::Same } else { Compared::Differ(differ) })
}

/// Writes the record of the programs that lie in a directory.
pub(crate) fn write(release: &Path, ids: Ids) -> io::Result<()> {
    let path = release.join(SUMS);
    let mut file = new_file(&path, 0o644)?;
    for name in PROGRAMS {
        writeln!(file, "{}  {name}", digest(&release.join(name))?)?;
    }
    give(&path, ids)?;
    file.sync_all()
}

/// The lines that sha256sum(1) writes, in text or binary mode; others say nothing of a program.
fn read(text: &str) -> BTreeMap<&str, Digest> {
    let line = |line| {
        let (digest, name) = str::split_once(line, ' ')?;
        let name = name.strip_prefix([' ', '*'])?;
        Some((name, digest.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn digest(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(Digest::from_bytes(hash.finalize().into())),
            read => hash.update(&chunk[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn both_forms_of_a_line_are_read_and_others_are_not() {
        for (line, name) in [
            (format!("{EMPTY}  banger"), Some("banger")),
            (format!("{EMPTY} *banger"), Some("banger")),
            (format!("{EMPTY} banger"), None),
            (format!("SHA256 (banger) = {EMPTY}"), None),
            ("e3b0  banger".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(read(&line).into_keys().next(), name, "{line:?}");
        }
    }

    #[test]
    fn what_differs_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let ids = Ids { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() };
        for name in PROGRAMS {
            fs::write(dir.path().join(name), name).unwrap();
        }
        assert_eq!(compare(dir.path()).unwrap(), Compared::NoRecord);
        write(dir.path(), ids).unwrap();
        assert_eq!(compare(dir.path()).unwrap(), Compared::Same);
        fs::write(dir.path().join("bangerd"), "changed").unwrap();
        fs::remove_file(dir.path().join("bangerd-root")).unwrap();
        assert_eq!(compare(dir.path()).unwrap(), Compared::Differ(vec!["bangerd", "bangerd-root"]));
        fs::write(dir.path().join(SUMS), format!("{EMPTY}  else\n")).unwrap();
        assert_eq!(compare(dir.path()).unwrap(), Compared::Differ(PROGRAMS.to_vec()));
    }
}
