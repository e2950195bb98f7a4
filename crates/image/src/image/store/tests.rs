use std::process::Command;

use super::*;
use crate::objects::file_names;

fn header(path: &str, kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_path(path).unwrap();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_size(size);
    header.set_cksum();
    header
}

fn elf(machine: u8) -> Vec<u8> {
    let mut elf = vec![0; 64];
    elf[..5].copy_from_slice(b"\x7fELF\x02");
    elf[18] = machine;
    elf
}

fn root(machine: u8) -> tar::Builder<Vec<u8>> {
    use tar::EntryType as Kind;
    let mut tar = tar::Builder::new(vec![]);
    tar.append(&header("./", Kind::Directory, 0o755, 0), &b""[..]).unwrap();
    tar.append(&header("./usr/bin/", Kind::Directory, 0o755, 0), &b""[..]).unwrap();
    let mut link = header("./bin", Kind::Symlink, 0o777, 0);
    link.set_link_name("usr/bin").unwrap();
    link.set_cksum();
    tar.append(&link, &b""[..]).unwrap();
    tar.append(&header("./usr/bin/sh", Kind::Regular, 0o755, 64), &elf(machine)[..]).unwrap();
    let mut owned = header("./usr/bin/su", Kind::Regular, 0o4755, 4);
    owned.set_uid(1000);
    owned.set_gid(42);
    owned.set_cksum();
    tar.append(&owned, &b"text"[..]).unwrap();
    let mut hard = header("./usr/bin/su2", Kind::Link, 0o4755, 0);
    hard.set_link_name("./usr/bin/su").unwrap();
    hard.set_cksum();
    tar.append(&hard, &b""[..]).unwrap();
    let mut node = header("./dev/null", Kind::Char, 0o666, 0);
    node.set_device_major(1).unwrap();
    node.set_device_minor(3).unwrap();
    node.set_cksum();
    tar.append(&node, &b""[..]).unwrap();
    let cap: &[u8] = &[1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    tar.append_pax_extensions([
        ("SCHILY.xattr.security.capability", cap),
        ("SCHILY.xattr.security.selinux", b"x"),
    ])
    .unwrap();
    tar.append(&header("./usr/bin/ping", Kind::Regular, 0o755, 0), &b""[..]).unwrap();
    tar
}

fn root_tar(machine: u8) -> Vec<u8> {
    root(machine).into_inner().unwrap()
}

fn with(add: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut tar = root(62);
    add(&mut tar);
    tar.into_inner().unwrap()
}

/// An entry whose path the library would not write.
fn raw_entry(tar: &mut tar::Builder<Vec<u8>>, path: &[u8]) {
    let mut entry = header("x", tar::EntryType::Regular, 0o644, 0);
    entry.as_old_mut().name[..path.len()].copy_from_slice(path);
    entry.set_cksum();
    tar.append(&entry, &b""[..]).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn store() -> (tempfile::TempDir, ImageStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = ImageStore::open(dir.path()).unwrap();
    (dir, store)
}

fn name(text: &str) -> ImageName {
    text.parse().unwrap()
}

fn import(store: &ImageStore, bytes: &[u8]) -> Result<ImageRecord, ImageError> {
    store.import(&name("it"), bytes, "import", &Job::quiet())
}

fn left(dir: &Path) -> Vec<String> {
    file_names(dir).unwrap().into_iter().filter(|name| name.starts_with(".partial")).collect()
}

fn debugfs(disk: &Path, request: &str) -> String {
    let out = Command::new("/usr/sbin/debugfs").args(["-w", "-R", request]).arg(disk).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn mkfs(dir: &Path, kind: &str) -> PathBuf {
    let tree = dir.join("tree");
    fs::create_dir_all(tree.join("etc/ssh")).unwrap();
    fs::create_dir_all(tree.join("bin")).unwrap();
    fs::write(tree.join("bin/sh"), elf(62)).unwrap();
    fs::write(tree.join("etc/machine-id"), "0123").unwrap();
    fs::write(tree.join("etc/ssh/ssh_host_ed25519_key"), "secret").unwrap();
    let disk = dir.join(format!("{kind}.img"));
    let mut mke2fs = Command::new("/usr/sbin/mke2fs");
    mke2fs.args(["-q", "-F", "-t", kind, "-d"]).arg(&tree).arg(&disk).arg("64M");
    assert!(mke2fs.status().unwrap().success());
    disk
}

#[test]
fn a_tar_becomes_an_image_with_its_owners_devices_and_attributes() {
    let (dir, store) = store();
    let plain = root_tar(62);
    for bytes in [plain.clone(), gzip(&plain)] {
        let image = import(&store, &bytes).unwrap();
        for (path, want) in [
            ("/usr/bin/su", "Mode:  04755|User:  1000   Group:    42|Links: 2|mtime: 0x3b9aca00"),
            ("/usr/bin/sh", "Mode:  0755|User:     0   Group:     0"),
            ("/dev/null", "Type: character special|Mode:  0666|number: 01:03"),
            ("/bin", "Fast link dest: \"usr/bin\""),
            ("/usr/bin/ping", "security.capability (20)"),
        ] {
            let stat = debugfs(&image.disk, &format!("stat {path}"));
            for part in want.split('|') {
                assert!(stat.contains(part), "{path}: no {part:?} in\n{stat}");
            }
        }
        assert!(!debugfs(&image.disk, "stat /usr/bin/ping").contains("selinux"));
        assert_eq!(image.size_bytes, fs::metadata(&image.disk).unwrap().len());
        assert!(image.disk_used_bytes < image.size_bytes / 2);
        assert_eq!(store.get(&name("it")).unwrap(), image);
        assert_eq!(store.disk_of(&image.digest), Some(image.disk));
    }
    assert_eq!(left(dir.path()), [""; 0]);
    store.prune(&BTreeSet::new(), false).unwrap();
    store.delete(&name("it")).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("objects")).unwrap().count(), 0);
}

#[test]
fn an_ext4_file_becomes_an_image_by_stream_and_by_path() {
    let (dir, store) = store();
    let disk = mkfs(dir.path(), "ext4");
    let by_stream = import(&store, &fs::read(&disk).unwrap()).unwrap();
    let by_path = store.register(&name("other"), &disk, &Job::quiet()).unwrap();
    assert_eq!((by_path.size_bytes, by_stream.size_bytes), (64 * MIB, 64 * MIB));
    assert!(by_stream.disk_used_bytes < 16 * MIB);
    let third = store.rename_to(&name("other"), &name("third"), &Job::quiet()).unwrap();
    assert_eq!(third.digest, by_path.digest);
    assert_eq!(store.list().unwrap().len(), 3);
    let missing = store.rename_to(&name("none"), &name("x"), &Job::quiet()).unwrap_err();
    assert_eq!(missing.to_string(), "there is no image \"none\"");
}

#[test]
fn a_promoted_machine_leaves_its_identity_behind() {
    let (dir, store) = store();
    let disk = mkfs(dir.path(), "ext4");
    let mut disks = vec![disk.clone()];
    if crate::tool::find("qemu-img").is_some() {
        let overlay = dir.path().join("overlay.qcow2");
        let mut create = Command::new("qemu-img");
        create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(&disk).arg(&overlay).arg("80M");
        assert!(create.status().unwrap().success());
        disks.push(overlay);
    }
    for disk in disks {
        let image = store.promote(&name("kept"), &disk, "machine m", &Job::quiet()).unwrap();
        assert_eq!(image.source, "machine m");
        assert!(!debugfs(&image.disk, "ls -p /etc/ssh").contains("ssh_host"));
        let id = debugfs(&image.disk, "stat /etc/machine-id");
        assert!(id.contains("Mode:  0444") && id.contains("Size: 0"), "{id}");
        assert!(debugfs(&image.disk, "stat /bin/sh").contains("Size: 64"));
    }
    assert!(debugfs(&disk, "ls -p /etc/ssh").contains("ssh_host"), "the machine's own disk is as it was");
}

#[test]
fn each_kind_of_bad_file_has_its_message_and_leaves_nothing() {
    let (dir, store) = store();
    let disk = fs::read(mkfs(dir.path(), "ext4")).unwrap();
    let old = fs::read(mkfs(dir.path(), "ext2")).unwrap();
    let plain = root_tar(62);
    let packed = gzip(&plain);
    let foreign = {
        let mut disk = disk.clone();
        disk[1024 + 0x62] |= 0x80;
        disk
    };
    let table: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file is empty"),
        (b"hello\n".to_vec(), "it is neither a root tar nor an ext4 file system: it is a text"),
        (vec![0; 4096], "it is neither a root tar nor an ext4 file system: it is a file of zeros"),
        (
            b"QFI\xfb\0\0\0\x03".to_vec(),
            "it is neither a root tar nor an ext4 file system: it is a qcow2 disk",
        ),
        (gzip(b"hello\n"), "it is neither a root tar nor an ext4 file system: it is a text"),
        (packed[..packed.len() / 2].to_vec(), "the archive ends early or is damaged"),
        (packed[..packed.len() - 4].to_vec(), "the archive ends early or is damaged"),
        (plain[..plain.len() - 1024].to_vec(), "the archive ends early or is damaged"),
        (plain[..3000].to_vec(), "the archive ends early or is damaged"),
        (root_tar(183), "its programs are for arm64, not for x86-64"),
        (
            with(|tar| raw_entry(tar, b"../../etc/evil")),
            "the archive's entry \"../../etc/evil\" cannot be unpacked: it leads out of the root (..)",
        ),
        (
            with(|tar| raw_entry(tar, b"usr/bin/sh/x")),
            "the archive's entry \"usr/bin/sh/x\" cannot be unpacked: it lies below what is no directory",
        ),
        (disk[..disk.len() / 2].to_vec(), "the file system ends early or is damaged"),
        (old, "the file system cannot be used: it is ext2 or ext3"),
        (
            foreign,
            "the file system cannot be used: it has features that the guest's kernel does not know (0x800000, 0x0)",
        ),
    ];
    for (index, (bytes, want)) in table.into_iter().enumerate() {
        let error = import(&store, &bytes).unwrap_err();
        assert_eq!(error.to_string(), want, "case {index}: {error:?}");
        assert_eq!(left(dir.path()), [""; 0], "case {index}");
    }
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn a_damaged_file_system_is_refused() {
    let (dir, store) = store();
    let mut disk = fs::read(mkfs(dir.path(), "ext4")).unwrap();
    // The inode of the root directory: e2fsck asks before it makes another.
    let block = 4096.min(disk.len());
    for byte in &mut disk[block..] {
        *byte = 0;
    }
    let error = import(&store, &disk).unwrap_err();
    assert!(matches!(error, ImageError::Damaged { .. } | ImageError::NoRoot), "{error:?}");
    assert_eq!(left(dir.path()), [""; 0]);
}

#[test]
fn a_tar_that_is_no_root_is_refused() {
    let (_dir, store) = store();
    let mut tar = tar::Builder::new(vec![]);
    tar.append(&header("project/Makefile", tar::EntryType::Regular, 0o644, 0), &b""[..]).unwrap();
    let error = import(&store, &tar.into_inner().unwrap()).unwrap_err();
    assert!(matches!(error, ImageError::NoRoot), "{error:?}");
    assert!(error.hint().is_some());
}

#[test]
fn an_unknown_recipe_names_those_there_are() {
    let (_dir, store) = store();
    let error = store.build("arch", None, &Job::quiet()).unwrap_err();
    assert_eq!(error.class(), model::Class::Usage);
    assert_eq!(error.hint().unwrap(), "There are: debian-bookworm, debian-small.");
}

#[test]
fn a_cancelled_import_says_so_and_leaves_nothing() {
    let (dir, store) = store();
    let job = Job::quiet();
    job.canceller().cancel();
    let error = store.import(&name("it"), &root_tar(62)[..], "import", &job).unwrap_err();
    assert!(matches!(error, ImageError::Fault(Fault::Cancelled)), "{error:?}");
    assert_eq!(left(dir.path()), [""; 0]);
}

#[test]
fn what_a_recipe_makes_again_goes_and_nothing_else() {
    let (dir, store) = store();
    let add = |text: &str, bytes: &[u8], source: &str| {
        store.import(&name(text), bytes, source, &Job::quiet()).unwrap().digest
    };
    let more =
        with(|tar| tar.append(&header("./more", tar::EntryType::Regular, 0o644, 0), &b""[..]).unwrap());
    let most =
        with(|tar| tar.append(&header("./most", tar::EntryType::Regular, 0o644, 0), &b""[..]).unwrap());
    add("built", &root_tar(62), "recipe debian-small");
    let stood_on = add("used", &more, "recipe debian-small");
    add("mine", &most, "import");
    add("unknown", &most, "recipe of-another-release");
    let keep = BTreeSet::from([stood_on]);
    let trial = store.prune_made_again(&keep, true).unwrap();
    assert_eq!(trial.removed, ["image built (recipe debian-small, made again when needed)"]);
    assert_eq!(store.list().unwrap().len(), 4, "nothing goes on trial");
    assert_eq!(store.prune_made_again(&keep, false).unwrap(), trial);
    let names: Vec<String> = store.list().unwrap().into_iter().map(|image| image.name.to_string()).collect();
    assert_eq!(names, ["mine", "unknown", "used"]);
    assert!(trial.freed_bytes > 0 && left(dir.path()).is_empty());
}
