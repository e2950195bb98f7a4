//! What comes out.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use proptest::{
    prelude::{Just, Strategy, any, prop},
    prop_oneof, proptest,
};
use workspace::{History, Wanted, WorkspaceError};

use crate::{
    inward::shaped,
    world::{World, git, tree},
};

/// Files of the guest that git would see, and the host's: ignored ones are nobody's.
fn assert_same(world: &World) {
    let seen = |dir: &Path| {
        let mut tree = tree(dir);
        tree.retain(|path, _| !path.starts_with("out") && path != Path::new("ignored"));
        tree
    };
    let (host, guest) = (seen(&world.host()), seen(&world.guest()));
    let names = |tree: &BTreeMap<PathBuf, _>| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&host), names(&guest));
    assert!(host == guest);
}

#[test]
fn a_guest_s_work_applied_here_is_the_guest_s_tree() {
    let world = shaped();
    fs::remove_file(world.host().join("untracked")).unwrap();
    world.copy_in(&Wanted::default()).unwrap();
    assert_eq!(world.export(""), b"");

    let at = |name: &str| world.guest().join(name);
    fs::write(at("plain"), "guest\n").unwrap();
    fs::write(at("big"), vec![9; 2 << 20]).unwrap();
    fs::write(at("new dir"), "no end of line").unwrap();
    fs::create_dir_all(at("a/b")).unwrap();
    fs::write(at("a/b/new\nline"), [0, 1, 2, 255]).unwrap();
    fs::write(at("ignored"), "the guest's own\n").unwrap();
    fs::remove_file(at("link")).unwrap();
    symlink("run.sh", at("link")).unwrap();
    fs::remove_file(at("deep/er/file")).unwrap();
    fs::set_permissions(at("run.sh"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(at("added"), fs::Permissions::from_mode(0o755)).unwrap();
    // One is committed, one staged, the rest is neither.
    git(&world.guest(), &["add", "plain"]);
    git(&world.guest(), &["commit", "-q", "-m", "in the guest"]);
    git(&world.guest(), &["add", "big"]);
    let status = git(&world.guest(), &["status", "--porcelain", "-z"]);

    let patch = world.export("");
    assert_eq!(git(&world.guest(), &["status", "--porcelain", "-z"]), status, "its index is as it was");
    world.apply(&patch).unwrap();
    assert_same(&world);
    assert_eq!(fs::read(world.host().join("ignored")).unwrap(), b"secret\n");
    assert!(matches!(world.apply(&patch), Err(WorkspaceError::DoesNotApply { .. })));

    // What was taken is not offered again.
    world.advance();
    assert_eq!(world.export(""), b"");
    fs::write(at("plain"), "more\n").unwrap();
    world.apply(&world.export("")).unwrap();
    assert_same(&world);
}

#[test]
fn line_ends_and_filters_change_nothing_on_the_way() {
    let world = World::new();
    world.write(".gitattributes", "* text=auto eol=crlf\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n");
    world.write("crlf", "one\r\ntwo\r\n");
    world.write("mixed", "one\r\ntwo\n");
    world.write("a.id", "$Id$\n");
    world.commit("first");
    world.write("crlf", "one\r\ntwo\r\nthree\r\n");
    world.copy_in(&Wanted::default()).unwrap();
    assert_same(&world);
    assert_eq!(world.export(""), b"");
    fs::write(world.guest().join("crlf"), "one\r\n2\r\nthree\r\n").unwrap();
    fs::write(world.guest().join("mixed"), "one\ntwo\r\n").unwrap();
    world.apply(&world.export("")).unwrap();
    assert_same(&world);
}

#[test]
fn a_commit_is_what_the_work_can_be_measured_against() {
    let world = World::new();
    world.write("file", "one\n");
    let first = world.commit("first");
    world.write("file", "two\n");
    world.commit("second");
    world.copy_in(&Wanted::default()).unwrap();
    fs::write(world.guest().join("new"), "n\n").unwrap();
    git(&world.guest(), &["add", "-A"]);
    git(&world.guest(), &["commit", "-q", "-m", "third"]);
    let patch = |base: &str| String::from_utf8(world.export(base)).unwrap();
    assert!(patch("HEAD").is_empty());
    assert!(patch("HEAD~1").contains("new") && !patch("HEAD~1").contains("two"));
    assert!(patch(&first).contains("+two") && patch(&first).contains("new"));
    assert!(patch("").contains("new") && !patch("").contains("two"));
}

#[test]
fn a_branch_begins_where_it_is_told_to_with_the_files_of_there() {
    let world = World::new();
    world.write("file", "one\n");
    let first = world.commit("first");
    world.write("file", "two\n");
    world.commit("second");
    world.write("file", "three\n");
    let (branch, from) = (Some("fix/it".to_owned()), Some("HEAD~1".to_owned()));
    let plan = world.copy_in(&Wanted { branch: branch.clone(), from, ..Wanted::default() }).unwrap();
    assert_eq!(plan.commit(), first);
    assert_eq!(fs::read(world.guest().join("file")).unwrap(), b"one\n");
    assert_eq!(git(&world.guest(), &["symbolic-ref", "HEAD"]), "refs/heads/fix/it");
    assert_eq!(git(&world.guest(), &["status", "--porcelain"]), "");

    // Without a beginning, it is at what is checked out, with its changes.
    world.copy_in(&Wanted { branch, ..Wanted::default() }).unwrap();
    assert_eq!(git(&world.guest(), &["status", "--porcelain"]), "M file");
}

#[test]
fn a_long_history_comes_in_part_or_whole() {
    let world = World::new();
    for number in 0..30 {
        world.write("file", format!("{number}\n"));
        world.commit(&format!("commit {number}"));
    }
    world.git(&["branch", "other", "HEAD~5"]);
    world.git(&["tag", "-a", "-m", "a tag", "v1", "HEAD~20"]);
    let guest = |args: &[&str]| git(&world.guest(), args);
    world.copy_in(&Wanted::default()).unwrap();
    assert_eq!(guest(&["rev-list", "--count", "HEAD"]), "10");
    guest(&["fsck", "--strict"]);
    world.copy_in(&Wanted { history: History::Whole, ..Wanted::default() }).unwrap();
    assert_eq!(guest(&["rev-list", "--count", "HEAD"]), "30");
    guest(&["fsck", "--strict"]);
    let refs = ["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
    assert_eq!(guest(&refs), world.git(&refs));
    // One that is cut off already stays so.
    let cut = World::new();
    fs::remove_dir_all(cut.host()).unwrap();
    let from = format!("file://{}", world.host().display());
    let to = cut.host();
    git(to.parent().unwrap(), &["clone", "-q", "--depth", "3", &from, to.to_str().unwrap()]);
    cut.copy_in(&Wanted { history: History::Whole, ..Wanted::default() }).unwrap();
    assert_eq!(git(&cut.guest(), &["rev-list", "--count", "HEAD"]), "3");
    git(&cut.guest(), &["fsck", "--strict"]);
}

#[test]
fn submodules_come_with_their_files_and_give_back_changes() {
    let (world, _inner) = World::with_submodule();
    world.copy_in(&Wanted::default()).unwrap();
    assert_same(&world);
    assert_eq!(git(&world.guest(), &["status", "--porcelain"]), "");
    assert_eq!(world.export(""), b"");
    fs::write(world.guest().join("sub/mod/inside"), "two\n").unwrap();
    fs::write(world.guest().join("sub/mod/new"), "n\n").unwrap();
    // A repository that the guest made is the guest's.
    fs::create_dir(world.guest().join("own")).unwrap();
    git(&world.guest().join("own"), &["init", "-q"]);
    git(&world.guest().join("own"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    world.apply(&world.export("")).unwrap();
    assert_same(&world);
    assert!(!world.host().join("own").exists());
}

#[test]
fn a_sparse_work_tree_stays_sparse() {
    let world = World::new();
    world.write("here/file", "h\n");
    world.write("there/file", "t\n");
    world.commit("first");
    world.git(&["sparse-checkout", "set", "here"]);
    world.copy_in(&Wanted::default()).unwrap();
    assert_same(&world);
    assert_eq!(git(&world.guest(), &["status", "--porcelain"]), "");
    assert_eq!(world.export(""), b"");
}

#[test]
fn objects_may_have_the_longer_names() {
    let world = World::new();
    fs::remove_dir_all(world.host()).unwrap();
    fs::create_dir(world.host()).unwrap();
    world.git(&["init", "-q", "--object-format=sha256"]);
    world.write("file", "one\n");
    world.write("blob", [0, 1, 2]);
    world.commit("first");
    world.write("file", "two\n");
    world.copy_in(&Wanted::default()).unwrap();
    git(&world.guest(), &["fsck", "--strict"]);
    fs::write(world.guest().join("blob"), [0, 9]).unwrap();
    world.apply(&world.export("")).unwrap();
    assert_same(&world);
}

#[test]
fn what_is_here_already_stays_and_the_rest_is_applied() {
    let world = World::new();
    world.write("file", "one\n");
    world.commit("first");
    world.copy_in(&Wanted::default()).unwrap();
    let guest = world.guest();
    for (name, content) in [("new", &b"n\n"[..]), ("an [*] odd?\\ name", b"o\n"), ("bin", &[0, 1, 2])] {
        fs::write(guest.join(name), content).unwrap();
    }
    assert_eq!(world.apply(&world.export("")).unwrap().len(), 0);
    assert_same(&world);

    // A copy that is made again has not what nobody added here, and so the next patch has all of that again.
    world.advance();
    world.copy_in(&Wanted::default()).unwrap();
    fs::write(guest.join("file"), "two\n").unwrap();
    fs::write(guest.join("newer"), "n\n").unwrap();
    let present = world.apply(&world.export("")).unwrap();
    let present: Vec<_> = present.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(present, ["an [*] odd?\\ name", "bin", "new"]);
    assert_same(&world);

    // What is here and is another is nobody's to write over, and then nothing is written.
    world.write("new", "mine\n");
    fs::write(guest.join("newest"), "n\n").unwrap();
    assert!(matches!(world.apply(&world.export("")), Err(WorkspaceError::DoesNotApply { .. })));
    assert!(!world.host().join("newest").exists());
}

#[test]
fn copying_again_keeps_what_the_guest_made_besides() {
    let world = World::new();
    world.write("file", "one\n");
    world.write("dir/in", "x\n");
    world.write(".gitignore", "out\n");
    world.commit("first");
    world.copy_in(&Wanted::default()).unwrap();
    assert_eq!(world.look(), "copy");
    fs::create_dir(world.guest().join("out")).unwrap();
    fs::write(world.guest().join("out/built"), "b").unwrap();
    fs::write(world.guest().join("new"), "n").unwrap();
    assert_eq!(world.look(), "copy");
    // A directory becomes a file, and a file a directory.
    world.git(&["rm", "-q", "-r", "dir", "file"]);
    world.write("dir", "now a file\n");
    world.write("file/in", "now a directory\n");
    world.commit("second");
    world.copy_in(&Wanted::default()).unwrap();
    let guest = tree(&world.guest());
    let names: Vec<_> = guest.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(names, [".gitignore", "dir", "file/in", "new", "out/built"]);
    git(&world.guest(), &["fsck", "--strict"]);

    // What the guest changed is seen, whatever it changed.
    assert_eq!(world.look(), "copy");
    fs::write(world.guest().join("dir"), "now_a file\n").unwrap();
    assert_eq!(world.look(), "changed");
    world.copy_in(&Wanted::default()).unwrap();
    assert_eq!(world.look(), "copy");
    git(&world.guest(), &["commit", "-q", "--allow-empty", "-m", "x"]);
    assert_eq!(world.look(), "changed");
    world.copy_in(&Wanted::default()).unwrap();
    fs::remove_file(world.guest().join("dir")).unwrap();
    assert_eq!(world.look(), "changed");
    // A copy that was cut off is not taken for one.
    fs::write(world.guest().join(".banger-unfinished"), "").unwrap();
    assert_eq!(world.look(), "unfinished");
    world.copy_in(&Wanted::default()).unwrap();
    assert_eq!(world.look(), "copy");
    assert_same_but(&world, &["new", "out/built"]);
}

fn assert_same_but(world: &World, guests: &[&str]) {
    let mut guest = tree(&world.guest());
    guest.retain(|path, _| !guests.iter().any(|own| path == Path::new(own)));
    assert!(guest == tree(&world.host()));
}

/// Something that is done to a tree.
#[derive(Clone, Debug)]
enum Edit {
    Write(PathBuf, Vec<u8>),
    Link(PathBuf, PathBuf),
    Program(PathBuf),
    Remove(PathBuf),
}

fn path() -> impl Strategy<Value = PathBuf> {
    let name =
        prop_oneof![Just("a"), Just("b"), Just("c d"), Just("ü"), Just("-x"), Just("n\nl"), Just("\"q")];
    prop::collection::vec(name, 1..4).prop_map(|names| names.iter().collect())
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop_oneof![Just(b'x'), Just(b'\n'), Just(b'\r')], 0..40),
    ];
    let edit = prop_oneof![
        4 => (path(), bytes).prop_map(|(path, bytes)| Edit::Write(path, bytes)),
        1 => (path(), path()).prop_map(|(path, to)| Edit::Link(path, Path::new("to").join(to))),
        1 => path().prop_map(Edit::Program),
        2 => path().prop_map(Edit::Remove),
    ];
    prop::collection::vec(edit, 1..12)
}

/// Does it where it can be done.
fn edit(dir: &Path, edits: &[Edit]) {
    let make_room = |path: &Path| {
        for above in path.ancestors().skip(1).take_while(|above| *above != dir) {
            if above.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                fs::remove_file(above).unwrap();
            }
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        remove(path);
    };
    for edit in edits {
        match edit {
            Edit::Write(path, bytes) => {
                make_room(&dir.join(path));
                fs::write(dir.join(path), bytes).unwrap();
            }
            Edit::Link(path, to) => {
                make_room(&dir.join(path));
                symlink(to, dir.join(path)).unwrap();
            }
            Edit::Program(path) => {
                let path = dir.join(path);
                if path.symlink_metadata().is_ok_and(|found| found.is_file()) {
                    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
                }
            }
            Edit::Remove(path) => remove(&dir.join(path)),
        }
    }
}

fn remove(path: &Path) {
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

proptest! {
    // Each case is some forty calls of git.
    #![proptest_config(proptest::test_runner::Config {
        cases: 12,
        max_shrink_iters: 24,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn any_work_on_any_tree_comes_back_as_it_is(
        first in edits(),
        since in edits(),
        later in edits(),
        work in edits(),
    ) {
        let world = World::new();
        edit(&world.host(), &first);
        world.commit("first");
        edit(&world.host(), &since);
        let wanted = Wanted { include_untracked: true, ..Wanted::default() };
        world.copy_in(&wanted).unwrap();
        assert_same(&world);
        edit(&world.host(), &later);
        world.copy_in(&wanted).unwrap();
        assert_same(&world);
        edit(&world.guest(), &work);
        world.apply(&world.export("")).unwrap();
        assert_same(&world);
    }
}
