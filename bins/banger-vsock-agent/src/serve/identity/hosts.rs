//! The machine's own name in `/etc/hosts`.

use std::{fs, io, path::Path};

use super::files::write_whole;

/// What our line ends with, so that it is found again.
const MARK: &str = "# banger";

/// Puts the line for `name` into the file at `path`, in place of an earlier one of ours.
pub(super) fn name(path: &Path, name: &str) -> io::Result<()> {
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => "127.0.0.1 localhost\n".to_owned(),
        Err(error) => return Err(error),
    };
    let new = with_name(&old, name);
    if new == old && path.exists() { Ok(()) } else { write_whole(path, new.as_bytes(), 0o644) }
}

/// Debian's address for a host that has no fixed one.
fn with_name(text: &str, name: &str) -> String {
    let kept = text.lines().filter(|line| !line.ends_with(MARK));
    let ours = format!("127.0.1.1 {name} {MARK}");
    kept.chain([ours.as_str()]).flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_there_once() {
        let once = with_name("127.0.0.1 localhost\n", "box");
        assert_eq!(once, "127.0.0.1 localhost\n127.0.1.1 box # banger\n");
        assert_eq!(with_name(&once, "box"), once);
        assert_eq!(with_name(&once, "other"), "127.0.0.1 localhost\n127.0.1.1 other # banger\n");
    }

    #[test]
    fn a_missing_file_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        name(&path, "box").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "127.0.0.1 localhost\n127.0.1.1 box # banger\n");
    }
}
