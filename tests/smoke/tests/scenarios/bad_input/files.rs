//! Files that are not what they seem, each made from nothing.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process,
};

use flate2::{Compression, write::GzEncoder};
use tar::{EntryType, Header};

/// The processors of ELF.
pub(super) const X86_64: u16 = 62;
pub(super) const ARM64: u16 = 183;

/// The first bytes of a program.
pub(super) fn elf(machine: u16, kind: u16) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    bytes[16..18].copy_from_slice(&kind.to_le_bytes());
    bytes[18..20].copy_from_slice(&machine.to_le_bytes());
    bytes
}

/// A kernel as far as its headers tell: one segment of `segment` bytes, of which `text` is there.
pub(super) fn kernel(machine: u16, segment: u64, text: &str) -> Vec<u8> {
    let mut bytes = elf(machine, 2);
    bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
    bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
    bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
    let mut header = [0; 56];
    header[0] = 1;
    header[8..16].copy_from_slice(&120_u64.to_le_bytes());
    header[32..40].copy_from_slice(&segment.to_le_bytes());
    bytes.extend(header);
    bytes.extend(text.as_bytes());
    bytes
}

/// A tar that is being made.
pub(super) struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    pub(super) fn new() -> Self {
        Self(tar::Builder::new(vec![]))
    }

    /// One that is a root as far as anybody looks.
    pub(super) fn root() -> Self {
        Self::new().dir("bin").file("bin/sh", elf(X86_64, 2)).dir("etc")
    }

    pub(super) fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(path, EntryType::Regular, "", bytes.as_ref(), |_| {})
    }

    pub(super) fn dir(self, path: &str) -> Self {
        self.entry(path, EntryType::Directory, "", b"", |_| {})
    }

    pub(super) fn link(self, path: &str, to: &str) -> Self {
        self.entry(path, EntryType::Link, to, b"", |_| {})
    }

    pub(super) fn symlink(self, path: &str, to: &str) -> Self {
        self.entry(path, EntryType::Symlink, to, b"", |_| {})
    }

    /// Adds an entry byte by byte: nothing is checked. `change` changes its header at last.
    pub(super) fn entry(
        mut self,
        path: &str,
        kind: EntryType,
        to: &str,
        bytes: &[u8],
        change: impl FnOnce(&mut Header),
    ) -> Self {
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        old.linkname[..to.len()].copy_from_slice(to.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        change(&mut header);
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    pub(super) fn end(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// A Debian package: an `ar` with a version, a control tar and a data tar (deb(5)).
pub(super) fn deb(architecture: &str, data: &[u8]) -> Vec<u8> {
    let control =
        format!("Package: linux-image-6.1.0-cloud-amd64\nVersion: 6.1\nArchitecture: {architecture}\n");
    let control = Tar::new().file("./control", control).end();
    ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar", data)])
}

/// An archive of ar(1).
pub(super) fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, body) in members {
        writeln!(bytes, "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`", 0, 0, 0, 100_644, body.len()).unwrap();
        bytes.extend(*body);
        if body.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(vec![], Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// Bytes that are of no kind, the same ones each time.
pub(super) fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3] | 0x80
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A head with zeros after it.
pub(super) fn padded(head: &[u8], count: usize) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.resize(count, 0);
    bytes
}

/// An empty file system of 8 MiB; `kind` is `ext2`, `ext3` or `ext4`.
pub(super) fn mkfs(dir: &Path, kind: &str) -> Vec<u8> {
    let path: PathBuf = dir.join(format!("made.{kind}"));
    let options = ["-q", "-F", "-t", kind, "-U", "00000000-0000-0000-0000-000000000001"];
    let mut mke2fs = process::Command::new("mke2fs");
    mke2fs
        .args(options)
        .arg(&path)
        .arg("8M")
        .stdout(process::Stdio::null())
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    let made = mke2fs.status().unwrap();
    assert!(made.success(), "mke2fs: {made}");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    bytes
}
