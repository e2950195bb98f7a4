//! Links.

use std::{
    ffi::OsStr,
    io::{self, Read as _, Write},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use tar::{Builder, EntryType, Header};

/// What GNU's tar calls the entry before a link that has its target.
const LONG_LINK: &[u8] = b"././@LongLink";

/// Appends a symbolic link that leads to `target` as it is; the library would make `a/b` of `./a//b`. Mode and time are
/// those of `header`.
///
/// # Errors
///
/// What writing fails with; a path that leaves the tree.
pub fn append_link<W: Write>(
    tar: &mut Builder<W>,
    header: &mut Header,
    path: &Path,
    target: &OsStr,
) -> io::Result<()> {
    // The target stands in an entry of its own, as long ones do.
    let mut literal = Header::new_gnu();
    literal.set_entry_type(EntryType::GNULongLink);
    literal.set_mode(0o644);
    literal.set_mtime(0);
    literal.set_size(target.len() as u64 + 1);
    literal.as_old_mut().name[..LONG_LINK.len()].copy_from_slice(LONG_LINK);
    literal.set_cksum();
    tar.append(&literal, target.as_bytes().chain(&[0][..]))?;
    header.set_entry_type(EntryType::Symlink);
    header.set_size(0);
    tar.append_link(header, path, ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_where_it_led() {
        let (long, deep) = ("./a//".repeat(80), "d/".repeat(120));
        let targets: [&[u8]; 9] =
            [b"a", b"./a//b", b"a/", b".", b"..", b"/", b"//x/./y/", b"\xff\n", long.as_bytes()];
        let mut tar = Builder::new(vec![]);
        for path in ["link", &deep] {
            for target in targets {
                let mut header = Header::new_gnu();
                append_link(&mut tar, &mut header, Path::new(path), OsStr::from_bytes(target)).unwrap();
            }
        }
        let bytes = tar.into_inner().unwrap();
        let mut archive = tar::Archive::new(&*bytes);
        let found: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                assert_eq!(entry.header().entry_type(), EntryType::Symlink);
                (entry.path_bytes().into_owned(), entry.link_name_bytes().unwrap().into_owned())
            })
            .collect();
        let want = |path: &str| targets.map(|target| (path.as_bytes().to_vec(), target.to_vec()));
        assert_eq!(found, [want("link"), want(&deep)].concat());
    }
}
