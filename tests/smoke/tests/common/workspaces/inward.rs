//! What comes into a machine, on an image without git.

use smoke::Host;

use super::repo::Repo;
use crate::common::here::sh;

/// Runs `vm workspace prepare`.
fn prepare(host: &Host, args: &[&str]) -> smoke::Output {
    host.banger(["vm", "workspace", "prepare", "box"]).args(args).run()
}

/// `vm run PATH -- CMD`, which makes the machine that the others use.
pub(crate) fn run_repo(host: &Host) {
    let repo = Repo::plant(host, "app");
    let run = ["vm", "run", "app", "--name", "box", "--image", "debian-small", "--"];
    let script = "pwd; ./run.sh; cat tracked link/*; readlink link; cat .git/HEAD; exit 42";
    let output = host.with_guests().banger(run).args(["sh", "-c", script]).run().exits(42);
    let expected = "/root/repo\nran\nchanged here\nspaces\ndeep/er\nref: refs/heads/main\n";
    assert_eq!(output.stdout(), expected, "{}", output.stderr());
    assert!(output.stderr().contains("1 untracked files are left out"), "{}", output.stderr());
    let workspace = host.vm("box")["workspace"].take();
    assert_eq!(workspace["host_path"], *repo.path().to_str().unwrap());
    assert_eq!(
        (&workspace["guest_path"], &workspace["commit"]),
        (&"/root/repo".into(), &repo.git(&["rev-parse", "HEAD"]).into())
    );
    let list = host.banger(["vm", "list"]).run().ok().stdout();
    assert!(list.contains(repo.path().to_str().unwrap()), "{list}");
    // The address goes along, and not the secret in it.
    let config = host.sh("box", "cat .git/config").run().ok().stdout();
    assert!(config.contains("https://example.org/app.git") && !config.contains("secret"), "{config}");
    assert!(config.contains("Ada Person"), "{config}");
}

pub(crate) fn dry_run(host: &Host) {
    let machines = host.machines();
    let output = host.banger(["vm", "run", "app", "--name", "dry", "--dry-run"]).run().ok();
    assert_eq!(output.stdout(), ".gitignore\n'deep/er/file with spaces'\nlink\nrun.sh\ntracked\n");
    assert_eq!(host.machines(), machines);
}

pub(crate) fn untracked_only_on_request_and_gitignored_never(host: &Host) {
    let see = "ls tracked untracked ignored 2>/dev/null; true";
    assert_eq!(host.sh("box", see).run().ok().stdout(), "tracked\n");
    prepare(host, &["app", "--include-untracked"]).ok();
    assert_eq!(host.sh("box", see).run().ok().stdout(), "tracked\nuntracked\n");
    prepare(host, &["app"]).ok();
    assert_eq!(host.sh("box", see).run().ok().stdout(), "tracked\n");
}

pub(crate) fn exec_in_workspace(host: &Host) {
    host.sh("box", "test \"$PWD\" = /root/repo && exit 7").run().exits(7);
    let elsewhere = host.banger(["vm", "exec", "--guest-path", "/srv", "box", "--", "pwd"]).run().ok();
    assert_eq!(elsewhere.stdout(), "/srv\n");
    host.banger(["vm", "exec", "--guest-path", "/no/such", "box", "--", "pwd"]).run().exits(125);
    host.banger(["vm", "exec", "box", "--", "no-such-program"]).run().exits(127);
}

pub(crate) fn exec_warns_when_host_moved_and_auto_prepare(host: &Host) {
    let repo = Repo::at(host, "app");
    let exec = |args: &[&str]| host.banger(["vm", "exec"]).args(args).run().ok();
    let cat = ["box", "--", "cat", "tracked"];
    assert_eq!(exec(&cat).stderr(), "");
    host.sh("box", "mkdir -p out && echo built > out/put").run().ok();

    repo.write("tracked", "changed again\n");
    let output = exec(&cat);
    assert!(output.stderr().contains("has changed files since"), "{}", output.stderr());
    assert_eq!(output.stdout(), "changed here\n");
    let output = exec(&["--auto-prepare", "box", "--", "cat", "tracked", "out/put"]);
    // What the guest made besides is still there.
    assert_eq!(output.stdout(), "changed again\nbuilt\n");

    let commit = repo.commit("second");
    let output = exec(&cat);
    assert!(output.stderr().contains(&format!("is at {}", &commit[..10])), "{}", output.stderr());
    exec(&["--auto-prepare", "box", "--", "true"]);
    assert_eq!(exec(&cat).stderr(), "");
    assert_eq!(host.vm("box")["workspace"]["commit"], *commit);

    // The guest's own work is not lost.
    host.sh("box", "echo mine > tracked").run().ok();
    repo.write("tracked", "and again\n");
    let output = host.banger(["vm", "exec", "--auto-prepare", "box", "--", "true"]).run().exits(125);
    assert!(output.stderr().contains("would be lost"), "{}", output.stderr());
    assert_eq!(exec(&cat).stdout(), "mine\n");
    prepare(host, &["app"]).exits(3);
    prepare(host, &["app", "--overwrite"]).ok();
    assert_eq!(exec(&cat).stdout(), "and again\n");
}

/// A machine without a network could not get the tools: it is not made, and into one that runs nothing is copied.
pub(crate) fn bootstrap_precondition(host: &Host) {
    let repo = Repo::plant(host, "tools");
    repo.write("mise.toml", "[tools]\nnode = \"22\"\n");
    repo.git(&["add", "mise.toml"]);
    let names = host.names();
    let run =
        || host.banger(["vm", "run", "-d", "tools", "--name", "shut", "--no-nat", "--image", "debian-small"]);
    let refused = |output: smoke::Output| {
        let stderr = output.exits(3).stderr();
        assert!(stderr.contains("mise.toml") && stderr.contains("--no-bootstrap"), "{stderr}");
    };
    refused(run().run());
    assert_eq!(host.names(), names);

    run().args(["--no-bootstrap"]).run().ok();
    let prepare =
        || host.banger(["vm", "workspace", "prepare", "shut", "tools", "--guest-path", "/srv/tools"]);
    refused(prepare().run());
    host.sh("shut", "test -e /root/repo/mise.toml && test ! -e /srv/tools").run().ok();
    prepare().args(["--no-bootstrap"]).run().ok();
    host.delete("shut");
}

/// A clone of a repository with a submodule, without the submodule.
const HOLLOW: &str = "set -e
    git='git -c user.name=A -c user.email=a@example.org'
    git init -q part && $git -C part commit -q --allow-empty -m part
    git init -q whole && $git -C whole -c protocol.file.allow=always submodule --quiet add \"$HOME/part\" part
    $git -C whole commit -q -m whole && git clone -q whole hollow";

pub(crate) fn bad_input_is_refused_before_anything_is_made(host: &Host) {
    sh(host, "mkdir plain && git init -q empty && git init -q --bare bare", &[]);
    sh(host, HOLLOW, &[]);
    let machines = host.machines();
    for (args, code, word) in [
        (&["gone"][..], 2, "cannot be found"),
        // On this machine it lies in the repository of these tests, which ignores it.
        (&["plain"], 2, "repository"),
        (&["bare"], 2, "bare"),
        (&["empty"], 2, "no commit"),
        (&["hollow"], 3, "git submodule update --init"),
        (&["app/tracked"], 2, "no directory"),
        (&["app", "--from", "HEAD"], 2, "--branch"),
        (&["app", "--branch", "new", "--from", "no-such"], 2, "no-such"),
        (&["app", "--branch", "main"], 2, "already"),
        (&["app", "--branch", "a..b"], 2, "no name"),
        (&["app", "--guest-path", "relative"], 2, "absolute"),
        (&["--readonly"], 2, "--readonly"),
    ] {
        let output = host.banger(["vm", "run", "-d", "--image", "debian-small"]).args(args).run().exits(code);
        assert!(output.stderr().contains(word), "{args:?}: {}", output.stderr());
    }
    assert_eq!(host.machines(), machines);
    let output = prepare(host, &["app", "--readonly", "--guest-path", "/srv/app"]).exits(1);
    assert!(output.stderr().contains("no `mount`"), "{}", output.stderr());
    // A place that is another's is left alone.
    host.banger(["vm", "exec", "--guest-path", "/root", "box", "--", "sh", "-c", "mkdir -p /srv/x/y"])
        .run()
        .ok();
    prepare(host, &["app", "--guest-path", "/srv/x"]).exits(3);
    // No room: nothing is left of the copy.
    let repo = Repo::at(host, "app");
    repo.sh("head -c 67108864 /dev/zero >large");
    let fill = "a=$(df --output=avail -k /root | tail -n 1); fallocate -l $((a - 16384))K /root/filler";
    host.sh("box", fill).run().ok();
    let output = prepare(host, &["app", "--include-untracked", "--guest-path", "/root/second"]).exits(1);
    assert!(output.stderr().to_lowercase().contains("no space left"), "{}", output.stderr());
    let left = host.sh("box", "rm /root/filler; ls -A /root | grep -e banger- -e second").run();
    assert_eq!(left.stdout(), "");
    repo.sh("rm large");
}
