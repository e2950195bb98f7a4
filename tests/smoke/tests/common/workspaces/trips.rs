//! Five repositories of different shapes: in, changed there, out, applied here by git alone and by `--apply`, and the
//! same on both sides.

use std::collections::BTreeSet;

use smoke::Host;

use super::{
    outward::{BOX, export, prepare},
    repo::Repo,
    sources::{unpack_archives, unpack_libraries},
};
use crate::common::here::sh;

/// How many commits the repository with a deep history has.
const COMMITS: usize = 3000;

/// Every file and link, but git's own: what it is, where a link leads, what a file holds.
const TREE: &str = "export LC_ALL=C
    find . -name .git -prune -o -type l -printf 'link %p %l\\n' -o -type f -perm -100 -printf 'program %p\\n' \
        -o -type f -printf 'file %p\\n'
    find . -name .git -prune -o -type f -print0 | xargs -0 -r sha256sum -z | tr '\\0' '\\n'";

/// Changes, deletes and makes files.
const WORK: &str = "set -e
    git ls-files -z | head -z -n 40 |
        xargs -0 sh -c 'for f; do if [ -f \"$f\" ] && [ ! -L \"$f\" ]; then echo guest >>\"$f\"; fi; done' sh
    git ls-files -z | tail -z -n 1 | xargs -0 sh -c 'for f; do if [ ! -d \"$f\" ]; then rm -- \"$f\"; fi; done' sh
    find . -path ./.git -prune -o -name in -type f -exec sh -c 'echo guest >>\"$1\"' sh {} ';'
    mkdir -p made/here
    head -c 5000 /dev/urandom >made/here/bytes
    ln -s ./here//. made/link
    chmod 755 run.sh";

pub(crate) fn five_round_trips(host: &Host) {
    let repos = [wide(host), deep(host), odd(host), large(host), nested(host)];
    for repo in &repos {
        let place = format!("/srv/trip/{}", repo.name);
        // No program here, and one again in the guest.
        repo.sh("rm ignored; chmod 644 run.sh");
        let history = if repo.name == "deep" { &["--full-copy"][..] } else { &[] };
        let said = prepare(host, &[&[repo.name, "--guest-path", &place], history].concat()).ok().stderr();
        host.note(said.lines().find(|line| line.starts_with("workspace: ")).unwrap_or_default());
        assert_same(host, repo, "as it came");
        if repo.name == "deep" {
            let count = host.sh(BOX, "git rev-list --count HEAD && git fsck").run().ok().stdout();
            assert_eq!(count.trim(), repo.git(&["rev-list", "--count", "HEAD"]));
        }
        host.sh(BOX, WORK).run().ok();
        let files = export(host, &["--files"]).ok().stdout();
        assert!(files.contains("made/here/bytes"), "{}: {files}", repo.name);
        assert_git_applies(host, repo);
        export(host, &["--apply"]).ok();
        assert_same(host, repo, "as it came back");
        repo.sh("test -s made/here/bytes && test -x run.sh");
        host.sh(BOX, "rm -rf \"$PWD\"").run().ok();
    }
}

/// Holds a second copy of the repository to become what is in the guest, by what a person types who has the patch.
#[track_caller]
fn assert_git_applies(host: &Host, repo: &Repo<'_>) {
    sh(host, "cp -a \"$1\" by-git", &[repo.name]);
    export(host, &["-o", "work.patch"]).ok();
    let by_git = Repo::at(host, "by-git");
    by_git.git(&["apply", "../work.patch"]);
    assert_same(host, &by_git, &format!("as git applied what became of {}", repo.name));
    sh(host, "rm -r by-git work.patch", &[]);
}

/// Holds both sides to be the same, by hash.
#[track_caller]
fn assert_same(host: &Host, repo: &Repo<'_>, when: &str) {
    let (here, there) = (repo.sh(TREE), host.sh(BOX, TREE).run().ok().stdout());
    let set = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (here, there) = (set(&here), set(&there));
    let other: Vec<_> = here.symmetric_difference(&there).take(20).collect();
    assert!(other.is_empty() && here.len() > 10, "{} {when}: {other:#?}", repo.name);
}

/// Many small files, as libraries have them.
fn wide(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "wide");
    unpack_libraries(host, "wide/libraries", 2000);
    // Also what those who wrote them ignore.
    repo.sh("git add -A -f && git commit -q -m wide");
    repo
}

/// A deep history, and deep directories.
fn deep(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "deep");
    let script = format!(
        "for n in $(seq {COMMITS}); do
            [ $((n % 150)) != 1 ] || dir=$dir/d
            echo \"commit refs/heads/deep\"
            echo \"committer Ada Person <ada@example.org> $((1700000000 + n)) +0000\"
            printf 'data 5\\nnext\\n'
            [ $n != 1 ] || echo 'from refs/heads/main^0'
            printf 'M 100644 inline %s\\ndata %d\\n%s\\n' \"${{dir#/}}/f$((n % 7))\" ${{#n}} $n
        done | git fast-import --quiet
        rm untracked && git stash -q && git checkout -q deep && git stash pop -q"
    );
    repo.sh(&script);
    repo
}

/// Names as nobody should give them, and links to anywhere.
fn odd(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "odd");
    repo.sh(
        "for name in new'\n'line '\\0377\\0376' -dash ' lead' 'tab\\t' 'qu\"ote' grün 'a*b' '$HOME' 'back\\\\slash'; do
            name=$(printf '%b' \"$name\")
            printf '%s' \"$name\" >\"./$name\"
        done
        chmod 700 ./-dash
        ln -s /etc/passwd away
        ln -s ./deep//er/ as-it-is
        ln -s -- -dash dangling
        git add -A && git commit -q -m odd",
    );
    repo
}

/// Binaries that nothing makes smaller.
fn large(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "large");
    unpack_archives(host, "large/archives", 8 << 20);
    repo.commit("large");
    repo
}

/// A library as a submodule, which has one itself.
fn nested(host: &Host) -> Repo<'_> {
    let inner = Repo::plant(host, "inner");
    unpack_libraries(host, "inner/libraries", 300);
    inner.sh("echo in >in; git add -A -f && git commit -q -m in");
    let middle = Repo::plant(host, "middle");
    let add = "git -c protocol.file.allow=always submodule --quiet add";
    middle.sh(&format!(
        "echo middle >in; {add} \"$HOME/inner\" inner && git add -A && git commit -q -m middle"
    ));
    let repo = Repo::plant(host, "nested");
    repo.sh(&format!(
        "{add} \"$HOME/middle\" middle && git add -A && git commit -q -m nested && \
        git -c protocol.file.allow=always submodule --quiet update --init --recursive"
    ));
    repo
}
