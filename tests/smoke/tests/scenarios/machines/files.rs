//! `vm cp`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use smoke::Host;

/// A tree with all that a copy must keep.
fn plant(dir: &Path) {
    fs::create_dir_all(dir.join("deep/er")).unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    fs::write(dir.join("deep/er/file with spaces"), "spaces\n").unwrap();
    fs::write(dir.join("Größe"), "grün\n").unwrap();
    fs::write(dir.join("script"), "#!/bin/sh\necho ran\n").unwrap();
    fs::write(dir.join("secret"), "s").unwrap();
    fs::hard_link(dir.join("secret"), dir.join("second-name")).unwrap();
    symlink("deep/er", dir.join("link")).unwrap();
    symlink("/nowhere/at/all", dir.join("dangling")).unwrap();
    for (name, mode) in [("script", 0o755), ("secret", 0o600), ("empty", 0o711), ("deep", 0o750)] {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Every entry: its path, kind and mode, target or content.
fn look(dir: &Path) -> Vec<String> {
    let (mut found, mut todo) = (vec![], vec![dir.to_owned()]);
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(&at).unwrap().flatten() {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            let name = path.strip_prefix(dir).unwrap().display().to_string();
            let what = if meta.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                todo.push(path);
                format!("{:o}", meta.mode())
            } else {
                format!("{:o} {} {:?}", meta.mode(), meta.nlink(), fs::read_to_string(&path).unwrap())
            };
            found.push(format!("{name} {what}"));
        }
    }
    found.sort();
    found
}

pub(super) fn cp_both_ways(host: &Host) {
    let home = host.dir().join("home");
    plant(&home.join("tree"));
    let cp = |from: &str, to: &str| host.banger(["vm", "cp", from, to]).run();

    cp("tree", "box:/srv/").ok();
    let seen = "cd /srv/tree && stat -c '%n %a %F' script secret empty deep link && stat -c %h secret && \
        readlink dangling && cat 'deep/er/file with spaces' Größe && ./script";
    assert_eq!(
        host.sh("box", seen).run().ok().stdout(),
        "script 755 regular file\nsecret 600 regular file\nempty 711 directory\ndeep 750 directory\n\
        link 777 symbolic link\n2\n/nowhere/at/all\nspaces\ngrün\nran\n"
    );
    cp("box:/srv/tree", "back").ok();
    assert_eq!(look(&home.join("tree")), look(&home.join("back")));

    // The contents, into a directory that is there; a name in a directory that is there.
    fs::create_dir(home.join("into")).unwrap();
    cp("box:/srv/tree/.", "into").ok();
    assert_eq!(look(&home.join("tree")), look(&home.join("into")));
    cp("tree/script", "box:renamed").ok();
    assert_eq!(host.sh("box", "/root/renamed").run().ok().stdout(), "ran\n");

    // What cannot be meant is refused, and names what is wrong.
    for (from, to, code, word) in [
        ("no-such-file", "box:/srv/", 2, "no-such-file"),
        ("box:/no-such-file", "here", 2, "/no-such-file"),
        ("tree", "box:/no/such/dir/", 2, "/no/such/dir"),
        ("tree", "elsewhere", 2, "elsewhere"),
        ("box:/srv", "box:/opt", 2, "machine"),
        ("tree", "nobody:/srv/", 1, "nobody"),
    ] {
        let output = cp(from, to).exits(code);
        assert!(output.stderr().contains(word), "{from} {to}: {}", output.stderr());
    }
    assert!(!home.join("here").exists());
}
