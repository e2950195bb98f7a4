//! A daemon becomes its successor, and nobody notices.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use api::{VmChange, client::Client};
use serde_json::Value;

use super::harness::{Daemon, Home, wait_until};

fn started_at(daemon: &Daemon) -> Value {
    daemon.get("/v1/info").ok()["started_at"].clone()
}

/// Has it restart, and waits until the next one answers.
fn restart(daemon: &Daemon) {
    let before = started_at(daemon);
    assert_eq!(daemon.post("/v1/restart", "").status, 202);
    wait_until("the next one answers", || {
        daemon.try_get("/v1/info").filter(|info| info["started_at"] != before)
    });
}

#[test]
fn changes_go_on_over_five_restarts_and_none_is_refused_or_made_twice() {
    let home = Home::new();
    home.fill(4);
    let daemon = Daemon::start(&home);
    let pid = daemon.pid();
    let (is_over, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let (socket, is_over, made) = (home.socket(), Arc::clone(&is_over), Arc::clone(&made));
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let (client, name) = (Client::new(socket), format!("box-{number}"));
                for vcpus in (1..=8).cycle() {
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let change = VmChange { vcpus: Some(vcpus.try_into().unwrap()), ..VmChange::default() };
                    let vm = runtime.block_on(client.vm_change(&name, &change)).unwrap();
                    assert_eq!(Some(vm.spec.vcpus), change.vcpus);
                    assert_eq!(runtime.block_on(client.vm(&name)).unwrap().spec, vm.spec);
                    made.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..5 {
        let before = made.load(Ordering::Relaxed);
        wait_until("changes are made", || (made.load(Ordering::Relaxed) > before + 8).then_some(()));
        restart(&daemon);
    }
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().unwrap();
    }
    assert_eq!(daemon.get("/v1/info").ok()["pid"], pid);
    daemon.stop();
    assert!(!home.socket().exists());
    let log = fs::read_to_string(home.path("state/banger/bangerd.log")).unwrap();
    assert_eq!(log.matches("it becomes the next").count(), 5);
    assert!(!log.contains("cut short"), "{log}");
}

/// Releases as an update leaves them, each with a program; the first is current. Returns the install's directory.
fn releases(home: &Home) -> PathBuf {
    let install = home.path("data/banger");
    for release in ["v1", "v2"] {
        let dir = install.join("releases").join(release);
        fs::create_dir_all(&dir).unwrap_or_default();
        fs::copy(env!("CARGO_BIN_EXE_bangerd"), dir.join("bangerd")).unwrap_or_default();
    }
    install
}

#[test]
fn it_becomes_the_release_that_is_current_and_stays_what_it_is_where_that_does_not_run() {
    let home = Home::new();
    let install = releases(&home);
    let current = |release: &str| {
        let _none = fs::remove_file(install.join("current"));
        symlink(format!("releases/{release}"), install.join("current")).unwrap();
    };
    current("v1");
    let daemon = Daemon::start_program(&home, &install.join("releases/v1/bangerd"));
    let program = || fs::read_link(format!("/proc/{}/exe", daemon.pid())).unwrap();
    current("v2");
    restart(&daemon);
    assert_eq!(program(), install.join("releases/v2/bangerd"));

    current("v3");
    let refused = daemon.post("/v1/restart", "");
    assert_eq!((refused.status, refused.json()["code"].as_str()), (500, Some("failed")));
    fs::create_dir(install.join("releases/v3")).unwrap();
    let third = install.join("releases/v3/bangerd");
    fs::copy(env!("CARGO_BIN_EXE_bangerd"), &third).unwrap();
    fs::set_permissions(&third, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = daemon.post("/v1/restart", "").json();
    assert!(refused["message"].as_str().unwrap().ends_with("others may write to it"), "{refused}");
    assert_eq!(program(), install.join("releases/v2/bangerd"));

    // Nobody can run what somebody writes to.
    fs::set_permissions(&third, fs::Permissions::from_mode(0o755)).unwrap();
    let written = fs::OpenOptions::new().append(true).open(&third).unwrap();
    restart(&daemon);
    assert_eq!(program(), install.join("releases/v2/bangerd"));
    drop(written);
    restart(&daemon);
    assert_eq!(program(), third);
}

#[test]
fn the_lock_is_the_next_one_s_and_a_signal_ends_it_for_good() {
    let home = Home::new();
    let daemon = Daemon::start(&home);
    restart(&daemon);
    let (code, said) = home.run(&[]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&format!("runs already, as process {}", daemon.pid())), "{said}");
    daemon.stop();
    Daemon::start(&home).stop();
}
