//! What comes out of a machine, on an image with git.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use smoke::Host;

use super::repo::Repo;

const BOX: &str = "dev";

fn prepare(host: &Host, args: &[&str]) -> smoke::Output {
    host.banger(["vm", "workspace", "prepare", BOX]).args(args).run()
}

fn export(host: &Host, args: &[&str]) -> smoke::Output {
    host.banger(["vm", "workspace", "export", BOX]).args(args).run()
}

pub(super) fn start(host: &Host) {
    let _repo = Repo::plant(host, "app");
    let run = ["vm", "run", "-d", "app", "--name", BOX, "--image", "debian-bookworm"];
    host.with_guests().banger(run).run().ok();
    let seen =
        host.sh(BOX, "git status --porcelain; git log --format=%an; git fsck --strict 2>&1").run().ok();
    assert_eq!(seen.stdout(), " M tracked\nAda Person\n");
}

pub(super) fn export_patch_applies(host: &Host) {
    let repo = Repo::at(host, "app");
    let work = "echo guest > tracked && git commit -qam work && echo new > 'new file' && mv run.sh moved.sh \
        && head -c 100000 /dev/urandom > binary && echo never > ignored && git add binary && git status --porcelain";
    let status = host.sh(BOX, work).run().ok().stdout();
    let files = export(host, &["--files"]).ok().stdout();
    assert_eq!(files, "binary\nmoved.sh\n'new file'\nrun.sh\ntracked\n");
    let stat = export(host, &["--stat"]).ok().stdout();
    assert!(stat.contains("5 files changed") && !stat.contains("ignored"), "{stat}");
    assert_eq!(host.sh(BOX, "git status --porcelain").run().ok().stdout(), status, "its index is as it was");

    // Beside changes of the host's own in another file; nothing is lost and nothing is half done.
    export(host, &["-o", "work.patch"]).ok();
    let patch = host.dir().join("home/work.patch");
    repo.git(&["apply", "--check", patch.to_str().unwrap()]);
    repo.write("tracked", "in the way\n");
    let output = export(host, &["--apply"]).exits(3);
    assert!(output.stderr().contains("does not fit"), "{}", output.stderr());
    assert!(!repo.path().join("new file").exists() && repo.path().join("run.sh").exists());
    repo.write("tracked", "changed here\n");
    let output = export(host, &["--apply"]).ok();
    assert!(output.stdout().contains("new file"), "{}", output.stdout());
    assert_eq!((&*repo.read("tracked"), &*repo.read("new file")), ("guest\n", "new\n"));
    assert_eq!(repo.read("ignored"), "ignored\n");
    let sum = |text: String| text.split(' ').next().unwrap().to_owned();
    let here = host.program("sha256sum").args([repo.path().join("binary")]).run().ok().stdout();
    assert_eq!(sum(here), sum(host.sh(BOX, "sha256sum binary").run().ok().stdout()));

    // What was taken is not offered again.
    assert_eq!(export(host, &[]).ok().stdout(), "");
    host.sh(BOX, "echo more > tracked").run().ok();
    export(host, &["--apply"]).ok();
    assert_eq!(repo.read("tracked"), "more\n");
}

pub(super) fn export_base_commit(host: &Host) {
    let control = export(host, &["--base-commit", "HEAD", "--files"]).ok().stdout();
    assert!(control.contains("tracked"), "{control}");
    host.sh(BOX, "git add -A && git commit -qm all").run().ok();
    assert_eq!(export(host, &["--base-commit", "HEAD"]).ok().stdout(), "");
    let files = export(host, &["--base-commit", "HEAD~1", "--files"]).ok().stdout();
    assert!(files.contains("'new file'"), "{files}");
    export(host, &["--base-commit", "no-such"]).exits(2);
    export(host, &["--guest-path", "/srv"]).exits(1);
}

pub(super) fn branch_from_and_full_copy(host: &Host) {
    let repo = Repo::plant(host, "long");
    for number in 0..15 {
        repo.write("tracked", &format!("{number}\n"));
        repo.commit("more");
    }
    repo.write("tracked", "not committed\n");
    repo.git(&["branch", "other", "HEAD~3"]);
    let see = "git symbolic-ref --short HEAD; git rev-list --count HEAD; cat tracked; git status --porcelain; \
        git branch --list other";
    let at = ["--guest-path", "/srv/long"];
    prepare(host, &[&["long", "--branch", "fix", "--from", "HEAD~2"][..], &at].concat()).ok();
    assert_eq!(host.sh(BOX, see).run().ok().stdout(), "fix\n10\n12\n");
    prepare(host, &[&["long", "--full-copy"][..], &at].concat()).ok();
    assert_eq!(host.sh(BOX, see).run().ok().stdout(), "main\n16\nnot committed\n M tracked\n  other\n");
}

pub(super) fn readonly(host: &Host) {
    let repo = Repo::at(host, "long");
    prepare(host, &["long", "--readonly", "--guest-path", "/srv/read"]).ok();
    // Root is not held by modes.
    let script = "cat tracked; touch new 2>/dev/null || echo refused";
    assert_eq!(host.sh(BOX, script).run().ok().stdout(), "not committed\nrefused\n");
    assert_eq!(export(host, &[]).ok().stdout(), "");
    // It is brought up to date all the same.
    repo.write("tracked", "once more\n");
    let exec = ["vm", "exec", "--auto-prepare", BOX, "--", "sh", "-c", script];
    assert_eq!(host.banger(exec).run().ok().stdout(), "once more\nrefused\n");
}

/// There is no network to get tools from: that is said, with where to read on, and the rest goes on.
pub(super) fn tools_that_cannot_be_had(host: &Host) {
    let repo = Repo::plant(host, "tools");
    repo.write("mise.toml", "[tools]\nnode = \"22\"\n");
    repo.git(&["add", "mise.toml"]);
    // Nothing answers there, whatever the network.
    host.banger([
        "vm",
        "exec",
        "--guest-path",
        "/",
        BOX,
        "--",
        "sh",
        "-c",
        "echo 127.0.0.1 mise.run >> /etc/hosts",
    ])
    .run()
    .ok();
    let output = prepare(host, &["tools", "--guest-path", "/srv/tools"]).ok();
    let log = "/root/.cache/banger/tools-tools.log";
    assert!(output.stderr().contains("install the tools of mise.toml"), "{}", output.stderr());
    assert!(output.stderr().contains(log), "{}", output.stderr());
    assert!(host.sh(BOX, &format!("cat {log}")).run().ok().stdout().contains("curl"));
    host.sh(BOX, "test -e mise.toml && exit 9").run().exits(9);
    let output = prepare(host, &["tools", "--guest-path", "/srv/tools", "--no-bootstrap"]).ok();
    assert!(!output.stderr().contains("install the tools"), "{}", output.stderr());
}

/// Every file and link, but git's own: what it is and what it holds.
fn tree(dir: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let (mut tree, mut left) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(&at).unwrap().flatten().filter(|entry| entry.file_name() != ".git") {
            let (path, meta) = (entry.path(), entry.metadata().unwrap());
            let name = path.strip_prefix(dir).unwrap().to_owned();
            if meta.is_dir() {
                left.push(path);
            } else if meta.is_symlink() {
                tree.insert(name, (0, fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()));
            } else {
                tree.insert(name, (meta.permissions().mode() & 0o100, fs::read(&path).unwrap()));
            }
        }
    }
    tree
}

/// Five repositories of different shapes: in, changed there, out, applied here, and the same on both sides.
pub(super) fn five_round_trips(host: &Host) {
    let repos = [wide(host), deep(host), odd(host), large(host), nested(host)];
    for repo in &repos {
        let name = repo.path().file_name().unwrap().to_str().unwrap().to_owned();
        let place = format!("/srv/trip/{name}");
        prepare(host, &[&name, "--guest-path", &place]).ok();
        let work = "for f in $(git ls-files | head -n 20 | grep -v '\"' | tr ' ' '?'); do [ -f $f ] && [ ! -L $f ] && echo guest >> $f; done; \
            mkdir -p made/here && head -c 5000 /dev/urandom > made/here/bytes && git rm -q --cached -r made 2>/dev/null; \
            ln -s here made/link; [ ! -e inner/in ] || echo guest >> inner/in";
        host.sh(BOX, work).run();
        export(host, &["--apply"]).ok();
        let back = host.dir().join("home").join(format!("back-{name}"));
        host.banger(["vm", "cp", &format!("{BOX}:{place}"), back.to_str().unwrap()]).run().ok();
        let (mut here, there) = (tree(&repo.path()), tree(&back));
        here.remove(Path::new("ignored"));
        assert!(here == there, "{name}: {:?} {:?}", here.keys(), there.keys());
        assert!(there.contains_key(Path::new("made/here/bytes")), "{name}");
        fs::remove_dir_all(back).unwrap();
    }
}

fn wide(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "wide");
    for number in 0..2000 {
        repo.write(&format!("d{}/f{number}", number % 40), &format!("{number}\n"));
    }
    repo.commit("wide");
    repo
}

fn deep(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "deep");
    for number in 0..40 {
        repo.write(&format!("{}file", "d/".repeat(number % 20)), &format!("{number}\n"));
        repo.commit("deeper");
    }
    repo
}

fn odd(host: &Host) -> Repo<'_> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let repo = Repo::plant(host, "odd");
    for name in
        [&b"new\nline"[..], b"\xff\xfe", b"-dash", b" lead", b"tab\t", b"qu\"ote", "gr\u{fc}n".as_bytes()]
    {
        fs::write(repo.path().join(OsStr::from_bytes(name)), name).unwrap();
    }
    symlink("/etc/passwd", repo.path().join("away")).unwrap();
    fs::set_permissions(repo.path().join("-dash"), fs::Permissions::from_mode(0o700)).unwrap();
    repo.commit("odd");
    repo
}

fn large(host: &Host) -> Repo<'_> {
    let repo = Repo::plant(host, "large");
    let noise: Vec<u8> =
        (0..6_u64 << 17).flat_map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
    fs::write(repo.path().join("large"), noise).unwrap();
    repo.commit("large");
    repo
}

fn nested(host: &Host) -> Repo<'_> {
    let inner = Repo::plant(host, "inner-origin");
    inner.write("in", "in\n");
    inner.commit("in");
    let repo = Repo::plant(host, "nested");
    repo.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "add",
        "-q",
        inner.path().to_str().unwrap(),
        "inner",
    ]);
    repo.commit("nested");
    repo
}
