//! Repositories that mean harm.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use workspace::{Wanted, mark_now};

use crate::world::{World, tree};

#[test]
fn nothing_that_a_repository_configures_runs() {
    let world = World::new();
    let trap = world.host().with_file_name("trap.sh");
    let sprung = world.host().with_file_name("sprung");
    fs::write(&trap, format!("#!/bin/sh\ntouch '{}'\ncat\n", sprung.display())).unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o755)).unwrap();
    let trap = format!("'{}'", trap.display());
    world.write("file", "one\n");
    world.write(".gitattributes", "* filter=trap diff=trap\n");
    world.commit("first");
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.gitProxy",
        "filter.trap.clean",
        "filter.trap.smudge",
        "filter.trap.process",
        "diff.trap.command",
        "diff.trap.textconv",
        "diff.external",
        "uploadpack.packObjectsHook",
        "gpg.program",
    ] {
        world.git(&["config", key, &trap]);
    }
    world.git(&["config", "core.hooksPath", "hooks"]);
    for hook in
        ["post-index-change", "pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"]
    {
        let path = world.host().join("hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(world.host().with_file_name("trap.sh"), path).unwrap();
    }
    // Trips the wire, so that a trap that cannot spring is seen.
    world.git(&["status"]);
    assert!(sprung.exists());
    fs::remove_file(&sprung).unwrap();

    world.write("file", "two\n");
    let plan = world.copy_in(&Wanted { include_untracked: true, ..Wanted::default() }).unwrap();
    mark_now(plan.repository(), true).unwrap();
    assert!(!sprung.exists());
    assert_eq!(fs::read(world.guest().join("file")).unwrap(), b"two\n");
    assert!(!fs::read_to_string(world.guest().join(".git/config")).unwrap().contains("trap"));

    fs::write(world.guest().join("file"), "three\n").unwrap();
    let patch = world.export("");
    world.apply(&patch).unwrap();
    assert!(!sprung.exists());
    assert_eq!(fs::read(world.host().join("file")).unwrap(), b"three\n");
}

#[test]
fn what_lies_outside_is_not_copied() {
    let world = World::new();
    world.write("dir/secret", "mine\n");
    world.write("file", "f\n");
    world.commit("first");
    let outside = world.host().with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "theirs\n").unwrap();
    // A directory that became a link, and a work tree that is said to be elsewhere.
    fs::remove_dir_all(world.host().join("dir")).unwrap();
    symlink("../outside", world.host().join("dir")).unwrap();
    world.git(&["config", "core.worktree", outside.to_str().unwrap()]);
    world.copy_in(&Wanted { include_untracked: true, ..Wanted::default() }).unwrap();
    let found = tree(&world.guest());
    assert!(!found.values().any(|(_, content)| content == b"theirs\n"), "{found:?}");
    assert_eq!(found.len(), 2, "the file, and the link itself: {found:?}");
}

/// A patch that makes a file at `path`.
fn making(path: &str, mode: &str, text: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{text}\n\\ No newline at \
        end of file\n"
    )
}

#[test]
fn a_patch_stays_in_the_files_of_the_repository() {
    let world = World::new();
    world.write("file", "f\n");
    world.commit("first");
    let above = world.host().parent().unwrap().to_owned();
    let outside = above.join("outside");
    fs::create_dir(&outside).unwrap();
    symlink("../outside", world.host().join("planted")).unwrap();
    let config = fs::read(world.host().join(".git/config")).unwrap();
    let before = tree(&above);
    let absolute = format!("{}/evil", outside.display());
    for patch in [
        making("../outside/evil", "100644", "x"),
        making("a/../../outside/evil", "100644", "x"),
        making(&absolute, "100644", "x"),
        making(".git/hooks/post-checkout", "100755", "x"),
        making(".GIT/hooks/post-checkout", "100755", "x"),
        making("sub/.git/config", "100644", "x"),
        making(".git/config", "100644", "x"),
        making("planted/evil", "100644", "x"),
        making("made", "120000", "../outside") + &making("made/evil", "100644", "x"),
        making("made", "120000", ".git/hooks") + &making("made/post-checkout", "100755", "x"),
        making("good", "100644", "x") + &making("../outside/evil", "100644", "x"),
        "diff --git a/file b/../outside/evil\nsimilarity index 100%\nrename from file\nrename to ../outside/evil\n".to_owned(),
        "diff --git a/file b/.git/evil\nsimilarity index 100%\ncopy from file\ncopy to .git/evil\n".to_owned(),
        "no patch at all\n".to_owned(),
    ] {
        assert!(world.apply(patch.as_bytes()).is_err(), "{patch}");
        assert!(tree(&above) == before, "{patch}");
        assert_eq!(fs::read(world.host().join(".git/config")).unwrap(), config, "{patch}");
        assert!(!world.host().join(".git/hooks/post-checkout").exists(), "{patch}");
        assert!(!world.host().join(".git/evil").exists(), "{patch}");
    }
    // That they are refused for where they lead, and not for their form.
    world.apply(making("good", "100644", "x").as_bytes()).unwrap();
    assert_eq!(fs::read(world.host().join("good")).unwrap(), b"x");
}
