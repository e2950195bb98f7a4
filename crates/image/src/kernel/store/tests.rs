use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::kernel::{
    modinfo::tests::module,
    vmlinux::tests::{bzimage, elf, gzip, xz},
};

const RELEASE: &str = "6.9.1-test";

/// A tar of files, with its end.
fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(vec![]);
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

fn ar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        out.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", bytes.len()).as_bytes(),
        );
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(2), b'\n');
    }
    out
}

fn deb(architecture: &str, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let control = format!("Package: linux-image-{RELEASE}\nArchitecture: {architecture}\nVersion: 6.9.1-2\n");
    ar(&[
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.xz", xz(&tar(&[("./control", control.into_bytes())]))),
        ("data.tar.xz", xz(&tar(files))),
    ])
}

fn module_files(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let path = |name: &str| format!("{prefix}lib/modules/{RELEASE}/{name}");
    vec![
        (path("modules.builtin"), b"kernel/drivers/virtio/virtio_mmio.ko\n".to_vec()),
        (path("modules.order"), b"kernel/fs/ext4.ko.xz\nkernel/drivers/virtio_blk.ko\n".to_vec()),
        (path("kernel/fs/ext4.ko.xz"), xz(&module(&["name=ext4", "depends=crc16", "softdep=pre: crc32c"]))),
        (path("kernel/lib/crc16.ko"), module(&["name=crc16", "depends="])),
        (path("kernel/crypto/crc32c_generic.ko"), module(&["alias=crc32c", "depends="])),
        (path("kernel/drivers/virtio_blk.ko"), module(&["depends="])),
        (path("build/Makefile"), b"not ours".to_vec()),
    ]
}

fn whole(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![(format!("boot/vmlinuz-{RELEASE}"), bzimage(RELEASE, &gzip(&elf(RELEASE))))];
    files.extend(module_files(prefix));
    files
}

fn borrowed(files: &[(String, Vec<u8>)]) -> Vec<(&str, Vec<u8>)> {
    files.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect()
}

fn store() -> (tempfile::TempDir, KernelStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = KernelStore::open(dir.path()).unwrap();
    (dir, store)
}

fn import(store: &KernelStore, bytes: &[u8]) -> Result<KernelRecord, KernelError> {
    store.import(None, bytes, "import", &Job::quiet())
}

fn left(dir: &Path) -> Vec<String> {
    file_names(dir).unwrap().into_iter().filter(|name| name.starts_with(".partial")).collect()
}

fn debugfs(disk: &Path, request: &str) -> String {
    let out =
        std::process::Command::new("/usr/sbin/debugfs").args(["-R", request]).arg(disk).output().unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn a_package_becomes_a_kernel_with_its_modules_and_an_initramfs() {
    let (dir, store) = store();
    let kernel = import(&store, &deb("amd64", &borrowed(&whole("./usr/")))).unwrap();
    assert_eq!(kernel.name.as_str(), RELEASE);
    assert_eq!(kernel.source, format!("linux-image-{RELEASE} 6.9.1-2"));
    assert_eq!(fs::read(&kernel.vmlinux).unwrap(), elf(RELEASE));
    assert!(kernel.for_qemu().ends_with("vmlinuz"));
    let disk = kernel.modules_disk.clone().unwrap();
    assert!(debugfs(&disk, "ls -p /").contains("/modules.dep/"));
    assert!(debugfs(&disk, "stat /kernel/fs/ext4.ko").contains("User:     0   Group:     0"));
    assert!(debugfs(&disk, "cat /modules.order").starts_with("kernel/fs/ext4.ko\n"));
    assert!(debugfs(&disk, "cat /modules.dep").contains("kernel/fs/ext4.ko:"));

    let agent = dir.path().join("agent");
    fs::write(&agent, "the agent").unwrap();
    let first = store.initramfs(&kernel.name, &agent).unwrap();
    let text = String::from_utf8_lossy(&fs::read(&first).unwrap()).into_owned();
    let order = "/modules/virtio_blk.ko\n/modules/crc32c_generic.ko\n/modules/crc16.ko\n/modules/ext4.ko\n";
    assert!(text.contains("init\0\0the agent"), "no agent");
    assert!(text.contains(order), "no order");
    assert_eq!(store.initramfs(&kernel.name, &agent).unwrap(), first);
    fs::write(&agent, "a newer agent").unwrap();
    let second = store.initramfs(&kernel.name, &agent).unwrap();
    assert_ne!(second, first);
    assert_eq!(store.prune(&BTreeSet::new(), false).unwrap().removed.len(), 1);
    assert!(second.exists() && !first.exists());

    store.delete(&kernel.name).unwrap();
    assert!(matches!(store.get(&kernel.name), Err(KernelError::NoSuchKernel { .. })));
    assert!(!second.exists() && !disk.exists());
    assert_eq!(left(dir.path()), [""; 0]);
}

#[test]
fn the_same_kernel_is_the_same_object_whatever_it_came_in() {
    let (dir, store) = store();
    let first = import(&store, &deb("amd64", &borrowed(&whole("./")))).unwrap();
    let plain = tar(&borrowed(&whole("")));
    let other: KernelName = "other".parse().unwrap();
    for bytes in [plain.clone(), gzip(&plain), xz(&plain)] {
        let again = store.import(Some(&other), &bytes[..], "import", &Job::quiet()).unwrap();
        assert_eq!(again.digest, first.digest);
    }
    assert_eq!(store.list().unwrap().len(), 2);

    let files = dir.path().join("files");
    for (path, bytes) in whole("") {
        let path = files.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let kernel = files.join(format!("boot/vmlinuz-{RELEASE}"));
    let modules = files.join("lib/modules").join(RELEASE);
    let from_files = store.import_files(Some(&other), &kernel, Some(&modules), &Job::quiet()).unwrap();
    assert_eq!(from_files.digest, first.digest);
}

#[test]
fn a_kernel_alone_has_no_modules_disk() {
    let (_dir, store) = store();
    let kernel = import(&store, &elf("6.12.1+deb13-Test")).unwrap();
    assert_eq!(kernel.name.as_str(), "6.12.1-deb13-test");
    assert_eq!((kernel.vmlinuz, kernel.modules_disk), (None, None));
}

#[test]
fn each_kind_of_bad_file_has_its_message_and_leaves_nothing() {
    let (dir, store) = store();
    let good = deb("amd64", &borrowed(&whole("./")));
    let plain = tar(&borrowed(&whole("")));
    let no_blk: Vec<_> = whole("").into_iter().filter(|(path, _)| !path.ends_with("virtio_blk.ko")).collect();
    let mut other_release = whole("");
    other_release[0].1 = elf("5.0.0");
    let mut bad_module = whole("");
    bad_module[5].1 = b"no ELF".to_vec();
    let two = [("boot/vmlinuz-1", elf("1.0.0")), ("boot/vmlinuz-2", elf("2.0.0"))];
    let table: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the file is empty"),
        (b"#!/bin/sh\necho\n".to_vec(), "it is no kernel: it is a text"),
        (vec![0; 5000], "it is no kernel: it is a file of zeros"),
        (b"BZh91AY&SYxxxx".to_vec(), "it is no kernel: it is packed with bzip2"),
        (ar(&[("x.o", vec![1; 9])]), "the package ends early or is damaged"),
        (ar(&[("data.tar", plain.clone())]), "it is no kernel: it is an ar archive, but no Debian package"),
        (good[..good.len() / 2].to_vec(), "the archive ends early or is damaged"),
        (good[..good.len() - 30].to_vec(), "the package ends early or is damaged"),
        (good[..40].to_vec(), "the package ends early or is damaged"),
        (deb("arm64", &borrowed(&whole("./"))), "it is for arm64, not for x86-64"),
        (
            deb("amd64", &[("./usr/share/doc/x", vec![])]),
            "there is no kernel in linux-image-6.9.1-test 6.9.1-2",
        ),
        (tar(&[("etc/passwd", vec![])]), "there is no kernel in the archive"),
        (plain[..plain.len() - 1024].to_vec(), "the archive ends early or is damaged"),
        (gzip(&plain)[..900].to_vec(), "the archive ends early or is damaged"),
        (
            tar(&borrowed(&no_blk)),
            "the kernel 6.9.1-test has no virtio_blk, neither built in nor as a module",
        ),
        (
            tar(&borrowed(&other_release)),
            "the kernel cannot be used: it is 5.0.0, and its modules are for 6.9.1-test",
        ),
        (
            tar(&borrowed(&bad_module)),
            "the kernel cannot be used: kernel/crypto/crc32c_generic.ko is no module",
        ),
        (tar(&two), "the kernel cannot be used: the archive holds more than one"),
    ];
    for (index, (bytes, want)) in table.into_iter().enumerate() {
        let error = import(&store, &bytes).unwrap_err();
        assert_eq!(error.to_string(), want, "case {index}: {error:?}");
        assert_eq!(left(dir.path()), [""; 0], "case {index}");
    }
    assert!(store.list().unwrap().is_empty());
}

#[test]
fn a_cancelled_import_says_so_and_leaves_nothing() {
    let (dir, store) = store();
    let job = Job::quiet();
    job.canceller().cancel();
    let bytes = deb("amd64", &borrowed(&whole("./")));
    let error = store.import(None, &bytes[..], "import", &job).unwrap_err();
    assert!(matches!(error, KernelError::Fault(Fault::Cancelled)), "{error:?}");
    assert_eq!(left(dir.path()), [""; 0]);
}

#[test]
fn an_object_can_be_read_by_its_owner() {
    let (_dir, store) = store();
    let kernel = import(&store, &elf("6.1.0")).unwrap();
    let mode = fs::metadata(kernel.vmlinux).unwrap().permissions().mode();
    assert_eq!(mode & 0o400, 0o400);
}
