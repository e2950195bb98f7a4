//! Files that no image can be made of.

use std::{ffi::OsStr, fs, os::unix::fs::PermissionsExt, path::Path, process};

use smoke::{Host, on_plain};
use tar::EntryType;

use super::{
    files::{ARM64, Tar, deb, elf, gzip, mkfs, noise, padded},
    table::Table,
};

/// What is wrong, the file's name, and what is in it.
type Cases = Vec<(&'static str, &'static str, Vec<u8>)>;

#[test]
fn files_that_are_no_image_leave_nothing() {
    on_plain(|host| {
        let mut table = Table::new(host);
        let other_kinds: Cases = vec![
            ("a text", "text", b"hello\n".to_vec()),
            ("of no kind", "noise", noise(100_000)),
            ("zeros", "zeros", vec![0; 1 << 20]),
            ("a program", "program", elf(super::files::X86_64, 2)),
            ("a package", "package.deb", deb("amd64", &Tar::new().end())),
            ("a qcow2 disk", "disk.qcow2", padded(b"QFI\xfb\0\0\0\x03", 65536)),
            ("squashfs", "disk.squashfs", padded(b"hsqs", 4096)),
            ("XFS", "disk.xfs", padded(b"XFSB", 65536)),
            ("a zip archive", "archive.zip", padded(b"PK\x03\x04", 512)),
            ("cpio", "archive.cpio", padded(b"070701", 512)),
            ("a whole disk", "disk.img", [vec![0; 510], vec![0x55, 0xaa], vec![0; 8192]].concat()),
            ("bzip2, which is not undone", "root.tar.bz2", padded(b"BZh91AY", 512)),
        ];
        import_each(&mut table, other_kinds);
        table.is("files_that_are_no_image");
    });
}

#[test]
fn tars_that_are_no_root_leave_nothing() {
    on_plain(|host| {
        let mut table = Table::new(host);
        import_each(&mut table, damaged_tars());
        import_each(&mut table, bad_entries());
        assert!(!host.dir().join("escaped").exists() && !host.dir().join("home/escaped").exists());
        table.is("tars_that_are_no_root");
    });
}

fn damaged_tars() -> Cases {
    let whole = Tar::root().file("etc/noise", noise(100_000)).end();
    let packed = gzip(&whole);
    let mut other_sum = whole.clone();
    other_sum[148..154].copy_from_slice(b"000000");
    let mut flipped = packed.clone();
    flipped[packed.len() / 2] ^= 0xff;
    vec![
        ("gzip with nothing behind its head", "head.tar.gz", [&b"\x1f\x8b\x08\0"[..], &noise(1000)].concat()),
        ("gzip of a text", "text.gz", gzip(b"hello\n")),
        ("gzip that ends early", "short.tar.gz", packed[..packed.len() / 2].to_vec()),
        ("gzip with another byte in it", "flipped.tar.gz", flipped),
        ("a tar that ends in a file", "short.tar", whole[..whole.len() / 2].to_vec()),
        ("a tar without its end", "open.tar", whole[..whole.len() - 1024].to_vec()),
        ("a header with another sum", "sum.tar", other_sum),
    ]
}

fn bad_entries() -> Cases {
    let bytes: &[u8] = b"";
    let with_kind = |kind| Tar::root().entry("etc/x", kind, "", bytes, |_| {}).end();
    vec![
        (
            "a header of noise that would clear the screen",
            "noise.tar",
            Tar::root()
                .entry("etc/x", EntryType::Regular, "", bytes, |header| {
                    header.as_old_mut().size = *b"\x1b[2J\x1b[3J\xff\xff\xff\0";
                })
                .end(),
        ),
        ("nothing in it", "empty.tar", Tar::new().file("readme", "").end()),
        ("the root in a directory", "below.tar", Tar::new().dir("root").file("root/bin/sh", "").end()),
        ("for another processor", "arm64.tar", Tar::new().file("bin/sh", elf(ARM64, 2)).end()),
        ("a path that leads out", "out.tar", Tar::root().file("../../../escaped", "x").end()),
        (
            "a link to a file outside",
            "link.tar",
            Tar::root().link("etc/passwd", "../../../../etc/passwd").end(),
        ),
        ("a link to what is not in it", "nowhere.tar", Tar::root().link("etc/x", "etc/y").end()),
        (
            "a file below a link to a directory outside",
            "below-link.tar",
            Tar::root().symlink("var", "/no/such").file("var/escaped", "x").end(),
        ),
        ("a file below a file", "below-file.tar", Tar::root().file("bin/sh/x", "").end()),
        (
            "a ring of links",
            "ring.tar",
            Tar::root().symlink("a", "b").symlink("b", "a").file("a/x", "").end(),
        ),
        ("an entry of no kind", "kind.tar", with_kind(EntryType::new(b'Z'))),
        ("a link to nothing", "void.tar", with_kind(EntryType::Link)),
        (
            "an owner that is no number",
            "owner.tar",
            Tar::root()
                .entry("etc/x", EntryType::Regular, "", bytes, |header| {
                    header.as_old_mut().uid = *b"nobody\0\0";
                })
                .end(),
        ),
        (
            "a device that is no number",
            "device.tar",
            Tar::root()
                .entry("dev/x", EntryType::Block, "", bytes, |header| {
                    header.as_gnu_mut().unwrap().dev_major = *b"seven\0\0\0";
                })
                .end(),
        ),
    ]
}

#[test]
fn file_systems_that_are_no_root_leave_nothing() {
    on_plain(|host| {
        let mut table = Table::new(host);
        let whole = mkfs(&table.dir(), "ext4");
        let changed = |at: usize, bytes: &[u8]| {
            let mut disk = whole.clone();
            disk[at..at + bytes.len()].copy_from_slice(bytes);
            disk
        };
        let mut no_tables = whole.clone();
        no_tables[4096..].fill(0);
        let cases: Cases = vec![
            ("nothing in it", "empty.ext4", whole.clone()),
            ("half of it", "half.ext4", whole[..whole.len() / 2].to_vec()),
            ("its first 4 KiB", "first.ext4", whole[..4096].to_vec()),
            ("no tables", "no-tables.ext4", no_tables),
            ("another number of blocks", "blocks.ext4", changed(1024 + 4, &u32::MAX.to_le_bytes())),
            ("a size of blocks that cannot be", "block-size.ext4", changed(1024 + 0x18, &[77])),
            ("a feature of another system", "feature.ext4", changed(1024 + 0x62, &[0x80])),
            ("ext2", "old.ext2", mkfs(&table.dir(), "ext2")),
            ("ext3", "old.ext3", mkfs(&table.dir(), "ext3")),
            ("half of it, packed", "half.ext4.gz", gzip(&whole[..whole.len() / 2])),
        ];
        import_each(&mut table, cases);
        table.is("file_systems_that_are_no_root");
    });
}

fn import_each(table: &mut Table<'_>, cases: Cases) {
    for (what, name, bytes) in cases {
        table.file(name, bytes);
        table.refused(what, &format!("image import --name box {name}"), 1);
    }
}

#[test]
fn what_cannot_be_read_or_found_leaves_nothing() {
    on_plain(|host| {
        let mut table = Table::new(host);
        table.file("empty", "");
        table.file("locked.tar", Tar::root().end());
        fs::create_dir(table.dir().join("directory")).unwrap();
        let locked = table.dir().join("locked.tar");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        fifo(&table.dir().join("fifo"));
        for (what, line, code) in [
            ("an empty file", "image import --name box empty", 2),
            ("a directory", "image import --name box directory", 2),
            ("a pipe", "image import --name box fifo", 2),
            ("no file", "image import --name box missing", 2),
            ("a path below a file", "image import --name box empty/x", 2),
            ("a device", "image import --name box /dev/zero", 2),
            ("no file to register", "image register box missing", 2),
            ("an unknown recipe", "image build gentoo", 1),
            ("an unknown image", "image show missing", 1),
            ("an unknown image", "image delete missing", 1),
            ("no machine to take it from", "image promote missing box", 1),
            ("a pipe", "kernel import --vmlinux fifo", 2),
            ("an unknown kernel", "kernel show missing", 1),
            ("an unknown kernel", "kernel rm missing", 1),
        ] {
            table.refused(what, line, code);
        }
        let line = "image import --name box locked.tar";
        let command = as_others_do(host, ["-q"].into_iter().chain(line.split(' ')));
        table.refused_command("a file that may not be read", line, command, 1);
        table.is("what_cannot_be_read_or_found");
    });
}

fn fifo(path: &Path) {
    let made = process::Command::new("/usr/bin/mkfifo").arg(path).status().unwrap();
    assert!(made.success(), "mkfifo: {made}");
}

/// A call of `banger` that may read only what its modes allow: root may otherwise read everything.
fn as_others_do<S: AsRef<OsStr>>(host: &Host, args: impl IntoIterator<Item = S>) -> smoke::Command {
    if rustix::process::geteuid().is_root() {
        let without = ["--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "banger"];
        host.program("/usr/bin/setpriv").args(without).args(args)
    } else {
        host.banger(args)
    }
}
