//! What comes out of a machine, on an image with git.

use smoke::Host;

use super::repo::Repo;

pub(super) const BOX: &str = "dev";

pub(super) fn prepare(host: &Host, args: &[&str]) -> smoke::Output {
    host.banger(["vm", "workspace", "prepare", BOX]).args(args).run()
}

pub(super) fn export(host: &Host, args: &[&str]) -> smoke::Output {
    host.banger(["vm", "workspace", "export", BOX]).args(args).run()
}

pub(crate) fn start(host: &Host) {
    let _repo = Repo::plant(host, "app");
    let run = ["vm", "run", "-d", "app", "--name", BOX, "--image", "debian-bookworm"];
    host.with_guests().banger(run).run().ok();
    let seen =
        host.sh(BOX, "git status --porcelain; git log --format=%an; git fsck --strict 2>&1").run().ok();
    assert_eq!(seen.stdout(), " M tracked\nAda Person\n");
}

pub(crate) fn export_patch_applies(host: &Host) {
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
    repo.git(&["apply", "--check", "../work.patch"]);
    repo.write("tracked", "in the way\n");
    let output = export(host, &["--apply"]).exits(3);
    assert!(output.stderr().contains("does not fit"), "{}", output.stderr());
    repo.sh("test ! -e 'new file' && test -e run.sh");
    repo.write("tracked", "changed here\n");
    let output = export(host, &["--apply"]).ok();
    assert!(output.stdout().contains("new file"), "{}", output.stdout());
    assert!(output.stderr().contains("3 new files are untracked here"), "{}", output.stderr());
    assert_eq!((&*repo.read("tracked"), &*repo.read("new file")), ("guest\n", "new\n"));
    assert_eq!(repo.read("ignored"), "ignored\n");
    let sum = |text: String| text.split(' ').next().unwrap().to_owned();
    assert_eq!(sum(repo.sh("sha256sum binary")), sum(host.sh(BOX, "sha256sum binary").run().ok().stdout()));

    // What was taken is not offered again.
    assert_eq!(export(host, &[]).ok().stdout(), "");
    host.sh(BOX, "echo more > tracked").run().ok();
    export(host, &["--apply"]).ok();
    assert_eq!(repo.read("tracked"), "more\n");

    // A copy that is made again has not the files that nobody added here, and what is here already is not in the way.
    prepare(host, &["app", "--overwrite"]).ok();
    host.sh(BOX, "echo last > last").run().ok();
    let said = export(host, &["--apply"]).ok().stderr();
    assert!(said.contains("here already as in the machine: binary, moved.sh, new file\n"), "{said}");
    assert_eq!(repo.read("last"), "last\n");
}

pub(crate) fn export_base_commit(host: &Host) {
    let control = export(host, &["--base-commit", "HEAD", "--files"]).ok().stdout();
    assert!(control.contains("tracked"), "{control}");
    host.sh(BOX, "git add -A && git commit -qm all").run().ok();
    assert_eq!(export(host, &["--base-commit", "HEAD"]).ok().stdout(), "");
    let files = export(host, &["--base-commit", "HEAD~1", "--files"]).ok().stdout();
    assert!(files.contains("'new file'"), "{files}");
    export(host, &["--base-commit", "no-such"]).exits(2);
    export(host, &["--guest-path", "/srv"]).exits(1);
}

pub(crate) fn branch_from_and_full_copy(host: &Host) {
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

pub(crate) fn readonly(host: &Host) {
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
pub(crate) fn tools_that_cannot_be_had(host: &Host) {
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
