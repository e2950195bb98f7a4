use std::{cell::RefCell, rc::Rc};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::*;

type Files = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

/// A disk in memory that has room for `room_bytes`.
struct Disk {
    files: Files,
    finished: Vec<String>,
    room_bytes: usize,
}

struct Open {
    files: Files,
    name: String,
    room_bytes: usize,
}

impl Write for Open {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut files = self.files.borrow_mut();
        let file = files.entry(self.name.clone()).or_default();
        if file.len() + bytes.len() > self.room_bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        file.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Disk {
    type File = Open;

    fn create(&mut self, name: &FileName, _: u64) -> io::Result<Open> {
        Ok(Open { files: Rc::clone(&self.files), name: name.to_string(), room_bytes: self.room_bytes })
    }

    fn finish(&mut self, name: &FileName, _: Open) -> io::Result<()> {
        self.finished.push(name.to_string());
        Ok(())
    }
}

fn disk() -> Disk {
    Disk { files: Files::default(), finished: vec![], room_bytes: 1024 * 1024 }
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

fn content(name: &str) -> Vec<u8> {
    format!("#!/bin/sh\necho {name}\n").into_bytes()
}

/// Entries of a tar as they come: kind, name as it is to stand in the header, content.
type Entries = Vec<(EntryType, &'static str, Vec<u8>)>;

fn good() -> Entries {
    PROGRAMS.iter().map(|name| (EntryType::Regular, *name, content(name))).collect()
}

fn tar(entries: &Entries) -> Vec<u8> {
    let mut builder = tar::Builder::new(vec![]);
    for (kind, name, content) in entries {
        let mut header = tar::Header::new_ustar();
        // Past `set_path`, which has opinions.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o4777);
        header.set_cksum();
        builder.append(&header, content.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn version() -> Version {
    "v1.2.3".parse().unwrap()
}

/// SHA256SUMS as it should be for this tarball, and `more`.
fn sums(tarball: &[u8], more: &[(&str, Digest)]) -> Verified<Sums> {
    let mut sums = Sums::default();
    sums.add(archive_name(&version()).parse().unwrap(), digest(tarball)).unwrap();
    for name in PROGRAMS {
        sums.add(name.parse().unwrap(), digest(&content(name))).unwrap();
    }
    for (name, digest) in more {
        sums.add(name.parse().unwrap(), *digest).unwrap();
    }
    Verified::new(sums)
}

fn unpack_bytes(tarball: &[u8], disk: &mut Disk) -> Result<(), String> {
    let archive = sums(tarball, &[]).archive(&version(), digest(tarball)).unwrap();
    unpack(&archive, tarball, disk).map_err(|error| error.to_string())
}

fn check(entries: &Entries, expected: Result<(), &str>) {
    let result = unpack_bytes(&gzip(&tar(entries)), &mut disk());
    assert_eq!(result, expected.map_err(str::to_owned));
}

#[test]
fn the_files_come_out_whole() {
    let mut disk = disk();
    let mut entries = good();
    entries.reverse();
    assert_eq!(unpack_bytes(&gzip(&tar(&entries)), &mut disk), Ok(()));
    let expected: BTreeMap<_, _> = PROGRAMS.iter().map(|name| ((*name).to_owned(), content(name))).collect();
    assert_eq!(*disk.files.borrow(), expected);
    assert_eq!(disk.finished, ["banger-vsock-agent", "bangerd-root", "bangerd", "banger"]);
}

#[test]
fn nothing_else_comes_out() {
    check(&good(), Ok(()));
    let with = |kind, name, content: &[u8]| {
        let mut entries = good();
        entries.push((kind, name, content.to_vec()));
        entries
    };
    let without = |name: &str| good().into_iter().filter(|entry| entry.1 != name).collect::<Entries>();
    for (kind, what) in [
        (EntryType::Directory, "a directory"),
        (EntryType::Symlink, "a symbolic link"),
        (EntryType::Link, "a hard link"),
        (EntryType::Char, "a device"),
        (EntryType::Block, "a device"),
        (EntryType::Fifo, "a pipe"),
        (EntryType::XHeader, "an extension of the format"),
        (EntryType::XGlobalHeader, "an extension of the format"),
        (EntryType::GNULongName, "an extension of the format"),
        (EntryType::GNUSparse, "of an unknown kind"),
        (EntryType::Continuous, "of an unknown kind"),
    ] {
        let text = format!("\"bangerd\" in the tarball is {what}, and only regular files may be in it");
        check(&with(kind, "bangerd", b""), Err(&text));
    }
    for name in ["other", "./banger", "/banger", "../banger", "bin/banger", "banger/", ""] {
        let text = format!("{name:?} is in the tarball, and SHA256SUMS does not list it");
        check(&with(EntryType::Regular, name, b""), Err(&text));
    }
    check(&with(EntryType::Regular, "banger", &content("banger")), Err("banger is in the tarball twice"));
    check(&without("bangerd"), Err("bangerd is not in the tarball, and SHA256SUMS lists it"));
    check(&vec![], Err("banger is not in the tarball, and SHA256SUMS lists it"));
    let mut entries = without("bangerd");
    entries.push((EntryType::Regular, "bangerd", b"other".to_vec()));
    let text = format!(
        "bangerd in the tarball has the digest {}, and SHA256SUMS lists {}",
        digest(b"other"),
        digest(&content("bangerd"))
    );
    check(&entries, Err(&text));
}

#[test]
fn what_is_torn_or_goes_on_is_refused() {
    let tar = tar(&good());
    let whole = gzip(&tar);
    let not_read = Err("the tarball cannot be read".to_owned());
    for tarball in [b"".as_slice(), b"hello", &whole[..whole.len() / 2], &whole[..whole.len() - 4], &tar] {
        assert_eq!(unpack_bytes(tarball, &mut disk()), not_read, "{} bytes", tarball.len());
    }
    let mut bad_check_sum = whole.clone();
    let at = whole.len() - 8;
    bad_check_sum[at] ^= 1;
    assert_eq!(unpack_bytes(&bad_check_sum, &mut disk()), not_read);
    let tail = gzip(&[tar.as_slice(), b"x"].concat());
    assert_eq!(unpack_bytes(&tail, &mut disk()), Err("the tarball holds something after its end".to_owned()));
    let bomb = gzip(&[tar.as_slice(), &vec![0; 2 * 1024 * 1024]].concat());
    assert_eq!(unpack_bytes(&bomb, &mut disk()), Err("the tarball holds something after its end".to_owned()));
}

/// The size is believed of the header before a byte is read: there is no file of 2 GiB here.
#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let mut header = tar::Header::new_ustar();
    header.set_path("banger").unwrap();
    header.set_size(2 * UNPACKED_BYTES_MAX);
    header.set_cksum();
    let mut disk = disk();
    let result = unpack_bytes(&gzip(header.as_bytes()), &mut disk);
    assert_eq!(result, Err("the tarball holds more than 1073741824 bytes".to_owned()));
    assert!(disk.files.borrow().is_empty());
}

#[test]
fn a_full_disk_is_no_fault_of_the_release() {
    let tarball = gzip(&tar(&good()));
    let archive = sums(&tarball, &[]).archive(&version(), digest(&tarball)).unwrap();
    let mut small = Disk { room_bytes: 3, ..disk() };
    let error = unpack(&archive, tarball.as_slice(), &mut small).unwrap_err();
    assert_eq!((error.to_string(), error.class()), ("write banger".to_owned(), Class::Failed));
    assert!(small.finished.is_empty());
}

#[test]
fn a_tarball_is_that_of_the_release_that_was_asked_for() {
    let tarball = gzip(&tar(&good()));
    let ask = |version: &str, found: Digest, more: &[(&str, Digest)]| {
        let archive = sums(&tarball, more).archive(&version.parse().unwrap(), found);
        archive.map(|_| ()).map_err(|error| error.to_string())
    };
    let right = digest(&tarball);
    assert_eq!(ask("v1.2.3", right, &[]), Ok(()));
    assert_eq!(ask("v1.2.3", right, &[("banger.1", right)]), Ok(()));
    assert_eq!(
        ask("v1.2.4", right, &[]).unwrap_err(),
        "SHA256SUMS does not list banger-v1.2.4-linux-amd64.tar.gz: it belongs to another release"
    );
    let wrong = digest(b"x");
    assert_eq!(
        ask("v1.2.3", wrong, &[]).unwrap_err(),
        format!("banger-v1.2.3-linux-amd64.tar.gz has the digest {wrong}, and SHA256SUMS lists {right}")
    );
    for name in TAKEN {
        let error = ask("v1.2.3", right, &[(name, right)]).unwrap_err();
        assert_eq!(error, format!("SHA256SUMS lists {name}, and no file of a release may be called that"));
    }
    let mut lacking = Sums::default();
    lacking.add(archive_name(&version()).parse().unwrap(), right).unwrap();
    let error = Verified::new(lacking).archive(&version(), right).unwrap_err();
    assert_eq!(error.to_string(), "SHA256SUMS does not list banger");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>, at in 0_usize..8 * 1024, byte: u8) {
        prop_assert!(unpack_bytes(&bytes, &mut disk()).is_err());
        prop_assert!(unpack_bytes(&gzip(&bytes), &mut disk()).is_err());
        // A good one with one byte changed: what comes out, if anything, is still right.
        let mut changed = tar(&good());
        let at = at % changed.len();
        changed[at] = byte;
        let mut disk = disk();
        if unpack_bytes(&gzip(&changed), &mut disk).is_ok() {
            for name in PROGRAMS {
                prop_assert_eq!(&disk.files.borrow()[name], &content(name));
            }
        }
    }
}
