//! Files into the guest.

use std::{
    fs,
    io::{self, Read},
    path::Path,
};

use futures::TryStreamExt;
use guest::Written;
use http_body_util::{BodyDataStream, BodyExt};
use hyper::{Request, body::Incoming};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use tar::{Archive, Entry, EntryType};
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::path::path_of;
use crate::serve::{
    reply::{Answer, Refused, json},
    sessions::Session,
};

/// What is read of a stream after the failure, in bytes.
const REST_BYTES_MAX: u64 = 1 << 30;

pub(in crate::serve) async fn put(request: Request<Incoming>, counted: Session) -> Answer {
    let path = path_of(request.uri().query())?;
    let body = BodyDataStream::new(request.into_body().map_err(io::Error::other));
    let mut tar = SyncIoBridge::new(StreamReader::new(body.into_stream()));
    let what = format!("write below {path}");
    let written = tokio::task::spawn_blocking(move || {
        let written = unpack(&mut tar, Path::new(&path));
        if written.is_err() {
            // A host that is still sending would else learn that we are gone before it learns why.
            let _ = io::copy(&mut tar.take(REST_BYTES_MAX), &mut io::sink());
        }
        drop(counted);
        written
    })
    .await;
    let written = written.map_err(io::Error::other).flatten();
    written.map(|written| json(&written)).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => Refused::bad(format!("{what}: {}", chain(&error))),
        _ => Refused::failed(&what, &io::Error::new(error.kind(), chain(&error))),
    })
}

/// The archive library's errors carry the system's as their source.
fn chain(error: &io::Error) -> String {
    let mut text = crate::words::of(error);
    let mut source = error.get_ref().and_then(std::error::Error::source);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

fn unpack(from: impl Read, below: &Path) -> io::Result<Written> {
    fs::create_dir_all(below)?;
    let mut archive = Archive::new(from);
    archive.set_preserve_permissions(true);
    archive.set_preserve_mtime(true);
    let mut written = Written::default();
    let mut directories = vec![];
    for entry in archive.entries()? {
        let mut entry = entry?;
        written.entries += 1;
        if entry.header().entry_type() == EntryType::Directory {
            // Their modes and times come last, or what lands in them would change both.
            directories.push(entry);
        } else {
            written.bytes += entry.size();
            unpack_entry(&mut entry, below)?;
        }
    }
    directories.sort_by(|a, b| b.path_bytes().cmp(&a.path_bytes()));
    for directory in &mut directories {
        unpack_entry(directory, below)?;
        keep_time(directory, below)?;
    }
    Ok(written)
}

/// The library keeps the times of everything but directories.
fn keep_time(directory: &Entry<'_, impl Read>, below: &Path) -> io::Result<()> {
    let seconds = i64::try_from(directory.header().mtime()?).unwrap_or(i64::MAX);
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    let path = below.join(directory.path()?);
    Ok(utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn unpack_entry(entry: &mut Entry<'_, impl Read>, below: &Path) -> io::Result<()> {
    let kind = entry.header().entry_type();
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("the entry {name:?} {why}"));
    let is_known = matches!(
        kind,
        EntryType::Regular
            | EntryType::Continuous
            | EntryType::GNUSparse
            | EntryType::Directory
            | EntryType::Symlink
            | EntryType::Link
    );
    if !is_known {
        return Err(bad("is neither a file, a directory nor a link"));
    }
    if entry.unpack_in(below)? { Ok(()) } else { Err(bad("leaves the directory")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use tar::{Builder, Header};

    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut tar = Builder::new(vec![]);
        for (name, kind, content) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(if *kind == EntryType::Directory { 0o750 } else { 0o640 });
            header.set_mtime(1_000_000);
            // Written past the library, which would not write a name that leaves.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
            if is_link {
                header.as_mut_bytes()[157..157 + content.len()].copy_from_slice(content.as_bytes());
            }
            let data = if is_link { "" } else { content };
            header.set_size(data.len() as u64);
            header.set_cksum();
            tar.append(&header, data.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn modes_times_and_links_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let tar = archive(&[
            ("a/", EntryType::Directory, ""),
            ("a/b/c", EntryType::Regular, "hello"),
            ("a/link", EntryType::Symlink, "../../outside"),
        ]);
        let below = dir.path().join("new/below");
        let written = unpack(&tar[..], &below).unwrap();
        assert_eq!(written, Written { entries: 3, bytes: 5 });
        assert_eq!(fs::read(below.join("a/b/c")).unwrap(), b"hello");
        for (name, mode) in [("a", 0o750), ("a/b/c", 0o640)] {
            let metadata = fs::metadata(below.join(name)).unwrap();
            assert_eq!(
                (metadata.permissions().mode() & 0o777, metadata.mtime()),
                (mode, 1_000_000),
                "{name}"
            );
        }
        assert_eq!(fs::read_link(below.join("a/link")).unwrap(), Path::new("../../outside"));
    }

    #[test]
    fn nothing_is_written_outside() {
        for entries in [
            &[("../evil", EntryType::Regular, "x")][..],
            &[("a/../../evil", EntryType::Regular, "x")],
            &[("out", EntryType::Symlink, ".."), ("out/evil", EntryType::Regular, "x")],
            &[("pipe", EntryType::Fifo, "")],
            &[("null", EntryType::Char, "")],
            &[("hard", EntryType::Link, "../secret")],
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("secret"), "s").unwrap();
            let below = dir.path().join("below");
            assert!(unpack(&archive(entries)[..], &below).is_err(), "{entries:?}");
            assert!(!dir.path().join("evil").exists(), "{entries:?}");
        }
    }

    #[test]
    fn a_file_replaces_a_link_and_is_not_written_through_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("target"), "old").unwrap();
        let below = dir.path().join("below");
        fs::create_dir(&below).unwrap();
        symlink("../target", below.join("file")).unwrap();
        unpack(&archive(&[("file", EntryType::Regular, "new")])[..], &below).unwrap();
        assert_eq!(fs::read(dir.path().join("target")).unwrap(), b"old");
        assert_eq!(fs::read(below.join("file")).unwrap(), b"new");
    }

    #[test]
    fn an_archive_that_breaks_off_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let tar = archive(&[("file", EntryType::Regular, &"x".repeat(5000))]);
        assert!(unpack(&tar[..2000], dir.path()).is_err());
    }
}
