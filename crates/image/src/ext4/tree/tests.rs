use super::*;

fn file() -> Meta {
    Meta::root(Kind::File, 0o644)
}

fn tree() -> (tempfile::TempDir, Tree) {
    let dir = tempfile::tempdir().unwrap();
    let tree = Tree::new(&dir.path().join("tree")).unwrap();
    (dir, tree)
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.metas().map(|(path, _)| String::from_utf8_lossy(path).into_owned()).collect()
}

#[test]
fn links_are_followed_within_the_tree_and_never_out_of_it() {
    let (dir, mut tree) = tree();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    tree.add(Path::new("usr/bin"), Meta::root(Kind::Dir, 0o755)).unwrap();
    tree.add_symlink(Path::new("bin"), OsStr::new("/usr/bin"), Meta::root(Kind::Symlink, 0o777)).unwrap();
    tree.add_file(Path::new("./bin/sh"), file(), &mut &b"text"[..]).unwrap();
    assert_eq!(paths(&tree), ["", "bin", "usr", "usr/bin", "usr/bin/sh"]);
    assert!(tree.exists(Path::new("bin/sh")) && tree.open_file(Path::new("bin/sh")).is_some());

    tree.add_symlink(Path::new("trap"), out.as_os_str(), Meta::root(Kind::Symlink, 0o777)).unwrap();
    let caught = tree.add_file(Path::new("trap/x"), file(), &mut &b"text"[..]).unwrap_err();
    assert_eq!(caught.to_string(), "it lies below a link that leads nowhere");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn bad_entries_are_told_by_what_is_wrong() {
    let (_dir, mut tree) = tree();
    tree.add_file(Path::new("d/f"), file(), &mut &b"text"[..]).unwrap();
    for (path, want) in [
        ("../x", "it leads out of the root (..)"),
        ("d/../../x", "it leads out of the root (..)"),
        ("d/f/x", "it lies below what is no directory"),
        ("d", "it would replace a directory that is not empty"),
        (".", "it would replace the root"),
        ("a\nb", "its name has a line break"),
    ] {
        let error = tree.add_file(Path::new(path), file(), &mut &b""[..]).unwrap_err();
        assert_eq!(error.to_string(), want, "{path}");
    }
    let error = tree.add_link(Path::new("l"), Path::new("nowhere")).unwrap_err();
    assert_eq!(error.to_string(), "it links to what is not there");
}

#[test]
fn the_last_of_two_entries_holds() {
    let (_dir, mut tree) = tree();
    tree.add(Path::new("x"), Meta::root(Kind::Dir, 0o755)).unwrap();
    tree.add_file(Path::new("x"), file(), &mut &b"one"[..]).unwrap();
    tree.add_link(Path::new("y"), Path::new("x")).unwrap();
    tree.add_file(Path::new("x"), Meta { uid: 7, ..file() }, &mut &b"two"[..]).unwrap();
    assert_eq!(fs::read(tree.dir().join("x")).unwrap(), b"two");
    assert_eq!(fs::read(tree.dir().join("y")).unwrap(), b"one");
    assert_eq!(tree.metas().find(|(path, _)| *path == b"x").unwrap().1.uid, 7);
    tree.remove(Path::new("x")).unwrap();
    assert_eq!(paths(&tree), ["", "y"]);
}

#[test]
fn zeros_become_holes_and_sizes_stay() {
    use std::os::unix::fs::MetadataExt;
    let (_dir, mut tree) = tree();
    tree.add_file(Path::new("z"), file(), &mut io::repeat(0).take(10_000_001)).unwrap();
    let meta = fs::metadata(tree.dir().join("z")).unwrap();
    assert_eq!(meta.len(), 10_000_001);
    assert!(meta.blocks() * 512 < 1 << 20);
}
