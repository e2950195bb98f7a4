use std::{ffi::OsStr, io::Read, process::Command};

use super::*;
use crate::ext4::{read_file, root_names, superblock_of};

const LAYOUT: Layout = Layout { label: "test", journal_mib: 4, slack_bytes: 16 << 20 };

fn debugfs(disk: &Path, request: &str) -> String {
    let output = Command::new("/usr/sbin/debugfs").args(["-R", request]).arg(disk).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn owners_modes_devices_links_and_attributes_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = Tree::new(&dir.path().join("tree")).unwrap();
    let meta = |kind, mode| Meta { uid: 1234, gid: 70_000, mtime: 1_000_000_000, ..Meta::root(kind, mode) };
    tree.add(Path::new("."), Meta::root(Kind::Dir, 0o755)).unwrap();
    tree.add(Path::new("d"), meta(Kind::Dir, 0o1770)).unwrap();
    tree.add_file(Path::new("d/a \"b\" c"), meta(Kind::File, 0o4755), &mut &b"text"[..]).unwrap();
    tree.add_file(Path::new("secret"), Meta::root(Kind::File, 0), &mut &b"hidden"[..]).unwrap();
    tree.add_link(Path::new("other"), Path::new("secret")).unwrap();
    tree.add_symlink(Path::new("s"), OsStr::new("/nowhere"), meta(Kind::Symlink, 0o777)).unwrap();
    tree.add(Path::new("d/null"), Meta::root(Kind::Char { major: 1, minor: 3 }, 0o666)).unwrap();
    tree.add(Path::new("d/loop"), Meta::root(Kind::Block { major: 7, minor: 300 }, 0o660)).unwrap();
    tree.add(Path::new("fifo"), meta(Kind::Fifo, 0o600)).unwrap();
    let cap = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let xattrs = vec![("security.capability".to_owned(), cap.to_vec()), ("user.x".to_owned(), b"y".to_vec())];
    tree.add_file(Path::new("ping"), Meta { xattrs, ..meta(Kind::File, 0o755) }, &mut &b""[..]).unwrap();

    let disk = dir.path().join("disk");
    make(&tree, &disk, dir.path(), &LAYOUT, &Job::quiet()).unwrap();

    for (path, want) in [
        ("/d", "Mode:  01770|User:  1234   Group: 70000"),
        ("\"/d/a \"\"b\"\" c\"", "Type: regular|Mode:  04755|User:  1234   Group: 70000|mtime: 0x3b9aca00"),
        ("/secret", "Mode:  0000|Links: 2|User:     0   Group:     0"),
        ("/other", "Mode:  0000|Links: 2"),
        ("/s", "Type: symlink|User:  1234|Fast link dest: \"/nowhere\""),
        ("/d/null", "Type: character special|Mode:  0666|number: 01:03"),
        ("/d/loop", "Type: block special|Mode:  0660|number: 07:300"),
        ("/fifo", "Type: FIFO|Mode:  0600|User:  1234"),
        ("/ping", "security.capability (20)|user.x (1)"),
        ("/", "Mode:  0755|User:     0   Group:     0"),
    ] {
        let stat = debugfs(&disk, &format!("stat {path}"));
        for part in want.split('|') {
            assert!(stat.contains(part), "{path}: no {part:?} in\n{stat}");
        }
    }
    assert_eq!(read_file(&disk, "/secret", &Job::quiet()).unwrap().unwrap(), b"hidden");
    assert!(root_names(&disk, &Job::quiet()).unwrap().contains(&"ping".to_owned()));
    let block = superblock_of(&disk).unwrap().unwrap();
    assert_eq!((block.size_bytes, block.foreign()), (fs::metadata(&disk).unwrap().len(), None));
}

#[test]
fn many_small_files_and_a_large_one_fit() {
    let dir = tempfile::tempdir().unwrap();
    let mut tree = Tree::new(&dir.path().join("tree")).unwrap();
    for number in 0..3000 {
        let path = format!("many/{}/file-with-a-long-name-{number}", number % 7);
        tree.add_file(Path::new(&path), Meta::root(Kind::File, 0o644), &mut &b"x"[..]).unwrap();
    }
    let mut large = std::io::repeat(7).take(50 << 20);
    tree.add_file(Path::new("large"), Meta::root(Kind::File, 0o644), &mut large).unwrap();
    for layout in [LAYOUT, Layout { journal_mib: 0, slack_bytes: 0, ..LAYOUT }] {
        make(&tree, &dir.path().join("disk"), dir.path(), &layout, &Job::quiet()).unwrap();
    }
}

#[test]
fn a_command_of_debugfs_that_fails_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, script) = (dir.path().join("disk"), dir.path().join("script"));
    make_private(&disk, &LAYOUT, 64 << 20, dir.path(), &Job::quiet()).unwrap();
    fs::write(&script, "sif /nowhere uid 1\n").unwrap();
    let fault = apply(&script, &disk, &Job::quiet()).unwrap_err();
    assert!(fault.to_string().contains("nowhere"), "{fault}");
}
