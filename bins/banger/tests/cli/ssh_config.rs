//! `ssh-config`: two files of the user's, and the rest of them as it was.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::PathBuf,
};

use crate::host::Host;

/// An own configuration as people have them, with no ending of its last line.
const OWN: &str = "ForwardAgent no\r\n\nHost *.vm\n  User me\n\n# the end";

fn ssh_dir(host: &Host) -> PathBuf {
    host.path().join(".ssh")
}

fn config(host: &Host) -> PathBuf {
    ssh_dir(host).join("config")
}

fn with_config(text: &str) -> Host {
    let host = Host::new();
    fs::create_dir(ssh_dir(&host)).unwrap();
    fs::write(config(&host), text).unwrap();
    host
}

#[test]
fn the_section_is_shown_installed_and_taken_out() {
    let host = Host::new();
    let look = |arguments: &[&str]| format!("$ banger {}\n{}\n", arguments.join(" "), host.look(arguments));
    let install: &[&str] = &["ssh-config", "--install"];
    let uninstall: &[&str] = &["ssh-config", "--uninstall"];
    let seen = [look(&["ssh-config"]), look(install), look(install), look(uninstall), look(uninstall)];
    insta::assert_snapshot!("ssh_config", seen.join("\n"));
    assert!(!config(&host).exists());
    assert_eq!(fs::read_dir(host.path().join("config/banger")).unwrap().count(), 0);
}

#[test]
fn the_rest_of_the_file_stays_byte_for_byte() {
    let host = with_config(OWN);
    fs::set_permissions(config(&host), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(host.run(&["ssh-config", "--install"]).status.success());
    let with = fs::read_to_string(config(&host)).unwrap();
    assert!(with.ends_with(OWN), "{with}");
    assert!(with.starts_with("# banger: ssh, begin"), "{with}");
    assert!(host.run(&["ssh-config", "--install"]).status.success());
    assert_eq!(fs::read_to_string(config(&host)).unwrap(), with);
    assert!(host.run(&["ssh-config", "--uninstall"]).status.success());
    assert_eq!(fs::read_to_string(config(&host)).unwrap(), OWN);
    assert_eq!(fs::metadata(config(&host)).unwrap().permissions().mode() & 0o777, 0o644);
}

/// What ssh itself makes of both files for a machine. It takes its user's home from the system, so it is told.
#[test]
fn ssh_takes_the_section_before_what_others_say() {
    let host = with_config(OWN);
    assert!(host.run(&["ssh-config", "--install"]).status.success());
    let asked =
        std::process::Command::new("ssh").arg("-F").arg(config(&host)).args(["-G", "box.vm"]).output();
    let said = format!("\n{}", String::from_utf8(asked.unwrap().stdout).unwrap());
    for line in [
        "user root",
        "stricthostkeychecking true",
        "proxycommand ",
        "knownhostscommand ",
        "forwardagent no",
        "controlmaster false",
    ] {
        assert!(said.contains(&format!("\n{line}")), "{line}: {said}");
    }
    let elsewhere =
        std::process::Command::new("ssh").arg("-F").arg(config(&host)).args(["-G", "example.org"]).output();
    let said = String::from_utf8(elsewhere.unwrap().stdout).unwrap();
    assert!(!said.contains("banger") && said.contains("stricthostkeychecking ask"), "{said}");
}

#[test]
fn a_link_stays_a_link() {
    let host = Host::new();
    fs::create_dir(ssh_dir(&host)).unwrap();
    let real = host.path().join("dotfiles");
    fs::write(&real, OWN).unwrap();
    symlink(&real, config(&host)).unwrap();
    assert!(host.run(&["ssh-config", "--install"]).status.success());
    assert!(fs::symlink_metadata(config(&host)).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().ends_with(OWN));
    assert!(host.run(&["ssh-config", "--uninstall"]).status.success());
    assert_eq!(fs::read_to_string(&real).unwrap(), OWN);
}

#[test]
fn what_cannot_be_done_leaves_both_files_as_they_were() {
    let damaged = "# banger: ssh, end.\n";
    let host = with_config(damaged);
    let output = host.look(&["ssh-config", "--install"]);
    assert!(output.contains("line 1 ends a block that did not begin"), "{output}");
    assert!(output.ends_with("exit 3"), "{output}");
    assert_eq!(fs::read_to_string(config(&host)).unwrap(), damaged);

    let host = with_config(OWN);
    let tools = host.path().join("tools");
    fs::create_dir(&tools).unwrap();
    let refusals = || {
        let output = host.banger().env("PATH", &tools).args(["ssh-config", "--install"]).output().unwrap();
        assert_eq!(output.status.code(), Some(4));
        assert_eq!(fs::read_to_string(config(&host)).unwrap(), OWN);
        assert_eq!(fs::read_dir(host.path().join("config/banger")).unwrap().count(), 0);
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refusals().contains("this host has no ssh"));
    let old = tools.join("ssh");
    fs::write(&old, "#!/bin/sh\necho 'Bad configuration option: knownhostscommand' >&2\nexit 255\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let said = refusals();
    assert!(said.contains("Bad configuration option") && said.contains("OpenSSH 8.5"), "{said}");
}
