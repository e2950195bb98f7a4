//! The system install below a directory that stands for `/`, where nothing of it runs.

use std::{fs, os::unix::fs::MetadataExt as _};

use serde_json::Value;

use crate::host::Host;

/// A user who may own an install, and to whom the user of the tests may give files.
fn owner() -> (String, u32) {
    let uid = fs::metadata("/proc/self").unwrap().uid();
    let wanted = if uid == 0 { "nobody".to_owned() } else { uid.to_string() };
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let found = users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let is_it = fields[0] == wanted || fields[2] == wanted;
        is_it.then(|| (fields[0].to_owned(), fields[2].parse().unwrap()))
    });
    found.unwrap()
}

/// A host with the programs of a release beside this one.
fn host_with_release() -> Host {
    let host = Host::new();
    host.run(&["version"]);
    for name in ["bangerd", "bangerd-root", "banger-vsock-agent"] {
        fs::write(host.path().join(name), name).unwrap();
    }
    host
}

fn objects(output: &[u8]) -> Vec<Value> {
    String::from_utf8(output.to_vec())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn an_install_is_listed_written_looked_at_and_removed() {
    let host = host_with_release();
    let (user, uid) = owner();
    let look = |arguments: &[&str]| {
        let text = host.look(arguments).replace(&format!("user {uid}"), "user OWNER").replace(&user, "ANN");
        // Who stands for root is who runs the tests, and the time is now.
        let lines = text.lines().map(|line| match line.split_once("since") {
            Some((before, _)) => format!("{before}since …"),
            None => line.replace(&format!("user {}", fs::metadata("/proc/self").unwrap().uid()), "user ROOT"),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut told = vec![];
    for arguments in [
        &["system", "status"] as &[&str],
        &["system", "install", "--owner", &user, "--dry-run"],
        &["system", "status"],
        &["system", "install", "--owner", &user],
        &["system", "install", "--owner", &user, "--yes"],
        &["system", "install", "--owner", &user, "--yes"],
        &["system", "status"],
        &["system", "uninstall"],
        &["system", "uninstall", "--yes"],
        &["system", "uninstall", "--purge", "--yes"],
        &["system", "uninstall", "--yes"],
    ] {
        told.push(format!("$ banger {}\n{}", arguments.join(" ").replace(&user, "ANN"), look(arguments)));
    }
    insta::assert_snapshot!("life_of_an_install", told.join("\n\n"));
    assert!(!host.path().join("root/usr/local/lib/banger").exists());
}

#[test]
fn the_install_of_a_user_is_that_users_and_root_s() {
    let host = host_with_release();
    let (user, _) = owner();
    let installed = host.run(&["--json", "system", "install", "--owner", &user, "--yes"]);
    assert!(installed.status.success(), "{installed:?}");
    let objects = objects(&installed.stdout);
    assert!(objects[0]["plan"]["items"].as_array().unwrap().iter().all(|item| item["do"] == "make"));
    assert_eq!(objects[1]["installed"]["owner"], user);

    // Its daemon is systemd's to start.
    let looked = host.look(&["vm", "list"]);
    assert!(looked.contains("no daemon answers at ~/root/run/banger/bangerd.sock"), "{looked}");
    assert!(looked.ends_with("hint: `banger system status` shows what is wrong.\nexit 5"), "{looked}");
    assert_eq!(host.look(&["daemon", "socket"]), "~/root/run/banger/bangerd.sock\nexit 0");
    assert_eq!(fs::read_dir(host.path().join("state")).unwrap().count(), 0);
}

#[test]
fn an_owner_that_cannot_be_one_is_refused_and_nothing_is_written() {
    let host = host_with_release();
    for (owner, why) in [
        ("root", "install banger: the owner cannot be root"),
        ("no-such-user", "install banger: there is no user \"no-such-user\""),
        ("0", "install banger: there is no user \"0\""),
    ] {
        let looked = host.look(&["system", "install", "--owner", owner, "--yes"]);
        assert!(looked.contains(why), "{looked}");
    }
    assert!(!host.path().join("root").exists());
}

#[test]
fn what_others_put_there_is_refused_with_advice() {
    let host = host_with_release();
    let (user, _) = owner();
    let bin = host.path().join("root/usr/local/bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("banger"), "theirs").unwrap();
    let looked = host.look(&["system", "install", "--owner", &user, "--yes"]);
    insta::assert_snapshot!("others_file", looked);
    assert!(!host.path().join("root/etc").exists());
}

#[test]
fn a_broken_record_is_told_and_written_again() {
    let host = host_with_release();
    let (user, _) = owner();
    let etc = host.path().join("root/etc/banger");
    fs::create_dir_all(&etc).unwrap();
    fs::write(etc.join("install.toml"), "owner_uid = \"x\n").unwrap();
    let looked = host.look(&["vm", "list"]);
    assert!(looked.contains("install.toml is no record of an install: line 1"), "{looked}");
    let looked = host.look(&["system", "install", "--owner", &user, "--yes"]);
    assert!(looked.contains("it is written again") && looked.ends_with("exit 0"), "{looked}");
}
