//! What cannot be meant, and what is said about it. Each is refused before anything is created.

use std::fmt::Write as _;

use crate::host::Host;

/// One mistake a line. The directory that they are made in holds `file`, `empty` and `dir/`.
const MISTAKES: &[&str] = &[
    "",
    "nonsense",
    "vm nonsense",
    "vm",
    "lits",
    "--colour always vm list",
    "--color maybe vm list",
    "-q -v vm list",
    "vm list extra",
    "vm list --jsn",
    "run --name Box",
    "run --name -box",
    "run --name box-",
    "run --name ../box",
    "run --name=",
    "run --image a/b",
    "run --kernel .hidden",
    "run --vcpu 0",
    "run --vcpu 33",
    "run --vcpu two",
    "run --vcpu -1",
    "run --memory 1.5G",
    "run --memory 4GB",
    "run --memory 1M",
    "run --memory 2T",
    "run --disk-size 0",
    "run --disk-size 99999999999999999999G",
    "run --system-overlay-size 1K",
    "run --publish 0",
    "run --publish 70000:80",
    "run --publish 127.0.0.1:80:80",
    "run --publish 8080:80 --publish 8080:81",
    "run --env =x -- true",
    "run --env FOO -- true",
    "run --env 1A=x -- true",
    "run --timeout 0 -- true",
    "run --timeout soon -- true",
    "run -d --rm",
    "run -d -- true",
    "run -d -t",
    "run ./dir",
    "run ./dir -- true",
    "run true",
    "run --vcpu 0 -- true",
    "vm create --name UPPER",
    "vm create --memory 1M --no-start",
    "vm start",
    "vm stop",
    "vm kill --signal STOP box",
    "vm kill --signal 99 box",
    "vm set box",
    "vm set --vcpu 4",
    "vm exec",
    "vm exec box",
    "vm exec box true",
    "vm exec -- true",
    "vm exec --timeout 1y box -- true",
    "vm ssh",
    "vm cp",
    "vm cp file",
    "vm cp file dir",
    "vm cp box:/a web:/b",
    "vm cp missing box:/a",
    "vm prune",
    "image build",
    "image build debian-bookworm --name a/b",
    "image import missing.tar",
    "image import empty",
    "image import dir",
    "image import --name .x file",
    "image import ./UPPER.tar",
    "image register",
    "image register a/b file",
    "image promote box",
    "image delete",
    "image cache",
    "kernel pull --suite ../etc",
    "kernel import",
    "kernel import --host --from-deb file",
    "kernel import --from-deb missing.deb",
    "kernel import --from-deb empty",
    "kernel import --vmlinux dir",
    "kernel import --vmlinux file --modules file",
    "kernel import --vmlinux file --modules dir",
    "kernel import --modules dir",
    "completion",
    "completion tcsh",
    "daemon restart",
];

#[test]
fn each_mistake_has_its_message_and_its_exit_code() {
    let host = Host::new();
    std::fs::write(host.work().join("file"), "something").unwrap();
    std::fs::write(host.work().join("empty"), "").unwrap();
    std::fs::write(host.work().join("UPPER.tar"), "something").unwrap();
    std::fs::create_dir(host.work().join("dir")).unwrap();
    let mut text = String::new();
    for line in MISTAKES {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        writeln!(text, "$ banger {line}\n{}\n", host.look(&arguments)).unwrap();
    }
    insta::assert_snapshot!("mistakes", text);
    for dir in ["runtime", "state", "cache", "config"] {
        let left = std::fs::read_dir(host.path().join(dir)).unwrap().count();
        assert_eq!(left, 0, "something was left behind in {dir}");
    }
}

#[test]
fn words_that_are_no_text_are_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let host = Host::new();
    let bad = std::ffi::OsStr::from_bytes(b"\xff");
    let output = host.banger().args(["run", "--name"]).arg(bad).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("banger: read the command line: "), "{error}");
}

#[test]
fn a_host_without_git_is_told_to_get_it() {
    let host = Host::new();
    std::fs::create_dir(host.work().join(".git")).unwrap();
    let run = |args: &[&str]| host.banger().args(args).env("PATH", host.path()).output().unwrap();
    let output = run(&["run", "-d", "."]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{stderr}");
    assert!(stderr.contains("has no git") && stderr.contains("Install git"), "{stderr}");
    // As everywhere, a command's own code is not ours.
    assert_eq!(run(&["run", ".", "--", "true"]).status.code(), Some(125));
}
