//! What comes in.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, fs::symlink},
    path::Path,
};

use workspace::{Wanted, WorkspaceError};

use crate::world::{World, git, tree};

fn plain() -> Wanted {
    Wanted::default()
}

/// A repository of some shape: names, modes, links, changes of every kind.
pub(crate) fn shaped() -> World {
    let world = World::new();
    world.write("plain", "one\n");
    world.write("deep/er/file", "two\n");
    world.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(world.host().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("./deep//er/", world.host().join("link")).unwrap();
    symlink("x".repeat(300), world.host().join("long-link")).unwrap();
    for name in [&b"new\nline"[..], b"\xff\xfe", b" lead", b"tab\tq\"uote", "gr\u{fc}n".as_bytes()] {
        world.write(OsStr::from_bytes(name), name);
    }
    world.write(format!("{}/{}", "d".repeat(120), "f".repeat(200)), "long\n");
    world.write("big", vec![7; 3 << 20]);
    world.write(".gitignore", "ignored\nout/\n");
    world.write("staged", "old\n");
    world.write("gone", "gone\n");
    world.commit("first");
    world.write("plain", "changed\n");
    world.write("staged", "staged\n");
    world.write("added", "added\n");
    world.git(&["add", "staged", "added"]);
    world.write("staged", "and changed\n");
    fs::remove_file(world.host().join("gone")).unwrap();
    world.write("ignored", "secret\n");
    world.write("out/put", "secret\n");
    world.write("untracked", "u\n");
    world
}

#[test]
fn a_guest_has_the_files_and_the_repository_of_the_host() {
    let world = shaped();
    world.git(&["config", "user.name", "Ada Person"]);
    world.git(&["remote", "add", "origin", "https://me:secret@example.org/a.git"]);
    let plan = world.copy_in(&plain()).unwrap();
    let mut expected = tree(&world.host());
    for name in ["ignored", "out/put", "untracked"] {
        expected.remove(OsStr::new(name).as_ref() as &std::path::Path).unwrap();
    }
    assert!(tree(&world.guest()) == expected);

    let guest = |args: &[&str]| git(&world.guest(), args);
    let host = |args: &[&str]| world.git(args);
    assert_eq!(guest(&["rev-parse", "HEAD"]), plan.commit());
    assert_eq!(guest(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    let status = |text: String| -> Vec<String> {
        text.split('\0').filter(|line| !line.starts_with("??")).map(str::to_owned).collect()
    };
    let asked = ["status", "--porcelain", "-z"];
    assert_eq!(status(guest(&asked)), status(host(&asked)));
    assert_eq!(guest(&["config", "--local", "user.name"]), "Ada Person");
    assert_eq!(guest(&["config", "remote.origin.url"]), "https://example.org/a.git");
    guest(&["fsck", "--strict"]);
    assert_eq!(guest(&["log", "--oneline", "--all"]), host(&["log", "--oneline", "--all"]));
    assert!(!world.guest().join(".git/objects/info/alternates").exists());
    assert!(plan.notes().iter().any(|note| note.contains("1 untracked")), "{:?}", plan.notes());
}

#[test]
fn untracked_files_come_on_request_and_ignored_ones_never() {
    let world = shaped();
    world.copy_in(&Wanted { include_untracked: true, ..plain() }).unwrap();
    let mut expected = tree(&world.host());
    expected.remove(OsStr::new("ignored").as_ref() as &std::path::Path);
    expected.remove(OsStr::new("out/put").as_ref() as &std::path::Path);
    assert!(tree(&world.guest()) == expected);
}

#[test]
fn a_submodule_that_is_not_checked_out_is_refused_and_one_that_nobody_wants_is_left_out() {
    let (world, _inner) = World::with_submodule();
    // An empty directory is left, as a clone makes it.
    world.git(&["submodule", "deinit", "-q", "-f", "sub/mod"]);
    let refused = world.plan(&plain()).unwrap_err();
    let WorkspaceError::NotCheckedOut { path } = &refused else { panic!("{refused:?}") };
    assert_eq!(path, Path::new("sub/mod"));
    assert!(refused.hint().unwrap().contains("git submodule update --init"));
    let seen = || (world.guest().join("sub").exists(), git(&world.guest(), &["status", "--porcelain"]));

    world.git(&["update-index", "--skip-worktree", "sub/mod"]);
    world.copy_in(&plain()).unwrap();
    assert_eq!(seen(), (false, String::new()));
    world.git(&["update-index", "--no-skip-worktree", "sub/mod"]);
    fs::remove_dir(world.host().join("sub/mod")).unwrap();
    world.copy_in(&plain()).unwrap();
    assert_eq!(seen(), (false, "D sub/mod".to_owned()));

    // What the advice says.
    world.git(&["submodule", "update", "-q", "--init", "--recursive"]);
    world.copy_in(&plain()).unwrap();
    assert_eq!(fs::read(world.guest().join("sub/mod/inside")).unwrap(), b"one\n");
}
