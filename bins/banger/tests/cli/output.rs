//! Where things are printed, and in which form.

use std::{
    fs,
    os::unix::fs::symlink,
    process::{Command, Stdio},
};

use crate::host::Host;

#[test]
fn the_version_is_three_lines_that_programs_read() {
    let host = Host::new();
    let text = String::from_utf8(host.run(&["version"]).stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let values: Vec<&str> = ["version: v", "commit: ", "built_at: "]
        .iter()
        .zip(&lines)
        .map(|(key, line)| line.strip_prefix(key).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(values[1].len() == 40 && values[1].bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
    assert!(values[2].ends_with('Z') && values[2].contains('T'), "{text}");
    let one_line = String::from_utf8(host.run(&["--version"]).stdout).unwrap();
    assert!(one_line.starts_with("banger v") && one_line.lines().count() == 1, "{one_line}");
}

#[test]
fn without_a_daemon_to_start_the_exit_code_is_5() {
    let host = Host::new();
    for (arguments, code) in [
        (&["vm", "list"][..], 5),
        (&["info"], 5),
        (&["run", "--rm", "--", "true"], 125),
        (&["vm", "exec", "box", "--", "true"], 125),
        (&["daemon", "status"], 5),
        (&["daemon", "stop"], 0),
        (&["daemon", "socket"], 0),
    ] {
        let output = host.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    }
    assert_eq!(host.look(&["daemon", "socket"]), "~/runtime/banger/bangerd.sock\nexit 0");
    insta::assert_snapshot!("no_daemon", host.look(&["vm", "list"]));
}

#[test]
fn failures_are_objects_where_json_is_wanted() {
    let host = Host::new();
    for arguments in [&["--json", "vm", "list"][..], &["vm", "list", "--json", "--nonsense"]] {
        let output = host.run(arguments);
        assert!(output.stdout.is_empty());
        let line = String::from_utf8(output.stderr).unwrap();
        let object: serde_json::Value = serde_json::from_str(line.trim()).unwrap();
        assert_eq!(object["version"], 1);
        assert_eq!(object["error"]["exit_code"].as_i64(), output.status.code().map(i64::from));
        assert!(object["error"]["message"].is_string() && object["error"]["class"].is_string(), "{line}");
    }
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let host = Host::new();
    let stderr = |command: &mut Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(!stderr(host.banger().args(["vm", "list"])).contains('\u{1b}'));
    assert!(stderr(host.banger().args(["--color", "always", "vm", "list"])).contains('\u{1b}'));
    assert!(stderr(host.banger().args(["--color=always", "vm", "nonsense"])).contains('\u{1b}'));
}

#[test]
fn a_reader_that_is_gone_is_no_error() {
    let host = Host::new();
    for arguments in [&["version"][..], &["--help"], &["completion", "bash"], &["daemon", "socket"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = host.banger();
        let child = command.args(arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_runtime_directory_that_is_a_link_is_refused() {
    let host = Host::new();
    fs::create_dir(host.path().join("elsewhere")).unwrap();
    symlink(host.path().join("elsewhere"), host.path().join("runtime/banger")).unwrap();
    let look = host.look(&["vm", "list"]);
    assert!(look.starts_with("banger: list machines: ~/runtime/banger is a link\n"), "{look}");
    assert!(look.ends_with("exit 3"), "{look}");
    assert_eq!(fs::read_dir(host.path().join("elsewhere")).unwrap().count(), 0);
}
