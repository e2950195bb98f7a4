//! `vm cp`.

use smoke::Host;

use super::here::sh;

/// A tree with all that a copy must keep.
const PLANT: &str = "set -e
    mkdir -p tree/deep/er tree/empty
    cd tree
    echo spaces >'deep/er/file with spaces'
    echo grün >Größe
    printf '#!/bin/sh\\necho ran\\n' >script
    printf s >secret
    ln secret second-name
    ln -s deep/er link
    ln -s /nowhere/at/all dangling
    ln -s ./deep//er/ as-it-is
    chmod 755 script; chmod 600 secret; chmod 711 empty; chmod 750 deep";

/// Every entry of a tree: its path, kind and mode, its target, how many names it has, its content.
const LOOK: &str = "cd \"$1\" && export LC_ALL=C && {
        find . -mindepth 1 -type f -printf '%p %m %n ' -exec sha256sum {} ';' -o -printf '%p %y %m %l\\n'
    } | sort";

pub(crate) fn cp_both_ways(host: &Host) {
    sh(host, PLANT, &[]);
    let planted = sh(host, LOOK, &["tree"]);
    assert_eq!(planted.lines().count(), 11, "{planted}");
    let cp = |from: &str, to: &str| host.banger(["vm", "cp", from, to]).run();

    cp("tree", "box:/srv/").ok();
    let seen = "cd /srv/tree && stat -c '%n %a %F' script secret empty deep link && stat -c %h secret && \
        readlink dangling as-it-is && cat 'deep/er/file with spaces' Größe && ./script";
    assert_eq!(
        host.sh("box", seen).run().ok().stdout(),
        "script 755 regular file\nsecret 600 regular file\nempty 711 directory\ndeep 750 directory\n\
        link 777 symbolic link\n2\n/nowhere/at/all\n./deep//er/\nspaces\ngrün\nran\n"
    );
    cp("box:/srv/tree", "back").ok();
    assert_eq!(sh(host, LOOK, &["back"]), planted);

    // The contents, into a directory that is there; a name in a directory that is there.
    sh(host, "mkdir into", &[]);
    cp("box:/srv/tree/.", "into").ok();
    assert_eq!(sh(host, LOOK, &["into"]), planted);
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
    sh(host, "test ! -e here && rm -r tree back into", &[]);
}
