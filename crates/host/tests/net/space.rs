//! Network namespaces, and what is done in them.

use std::{
    fs::File,
    os::fd::AsFd,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    mount::{MountPropagationFlags, mount_change},
    thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe},
};

const INSIDE: &str = "BANGER_TEST_INSIDE";

/// Runs the body of the test `name` on a host of its own: a network and mounts that end with it.
///
/// That takes root. An ordinary user's test starts itself again as root of a user namespace.
pub(crate) fn on_a_host_of_its_own(name: &str, body: impl FnOnce()) {
    if rustix::process::geteuid().is_root() {
        leave();
        sh("ip link set lo up");
        return body();
    }
    assert!(std::env::var_os(INSIDE).is_none(), "root of a user namespace is not root in it");
    let test = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--"])
        .arg(test)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "this takes root or user namespaces: {said}");
    assert!(said.contains("1 passed"), "{name} was not found: {said}");
}

/// Whether the test runs in a user namespace, where only one user number means something.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[expect(unsafe_code, reason = "a thread that leaves its namespaces no longer sees what others see")]
fn leave() {
    // SAFETY: descriptors and memory stay shared; this thread and those that it starts have other
    // networks and mounts from here on, which is what each of them is for.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET | UnshareFlags::NEWNS) }.unwrap();
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
}

/// Runs a line of shell here and returns what it said; panics where it fails.
#[track_caller]
pub(crate) fn sh(line: &str) -> String {
    finished(line, Command::new("sh").args(["-ec", line]).output().unwrap())
}

/// As [`sh`], for a line that may fail.
pub(crate) fn try_sh(line: &str) -> bool {
    Command::new("sh").args(["-ec", line]).output().unwrap().status.success()
}

#[track_caller]
fn finished(line: &str, output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A network of its own, kept by a process that does nothing.
pub(crate) struct Space {
    keeper: Child,
}

impl Space {
    pub(crate) fn new() -> Self {
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "sleep", "600"]).stdin(Stdio::null()).stdout(Stdio::null());
        let space = Self { keeper: command.spawn().unwrap() };
        wait_for(|| std::fs::read_link(space.file()).is_ok_and(|own| own != here()));
        space.sh("ip link set lo up");
        space
    }

    pub(crate) fn pid(&self) -> u32 {
        self.keeper.id()
    }

    fn file(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.pid()).into()
    }

    /// Runs a line of shell in it.
    #[track_caller]
    pub(crate) fn sh(&self, line: &str) -> String {
        let pid = self.pid().to_string();
        let mut command = Command::new("nsenter");
        finished(line, command.args(["-t", &pid, "-n", "--", "sh", "-ec", line]).output().unwrap())
    }

    /// Does something in it, on a thread of its own.
    pub(crate) fn run<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        let file = File::open(self.file()).unwrap();
        let moved = move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            what()
        };
        thread::scope(|scope| scope.spawn(moved).join().unwrap())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        let _gone = self.keeper.kill();
        let _reaped = self.keeper.wait();
    }
}

fn here() -> PathBuf {
    std::fs::read_link("/proc/thread-self/ns/net").unwrap()
}

#[track_caller]
pub(crate) fn wait_for(is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < until, "it did not come about in 10 s");
        wait();
    }
}

fn wait() {
    thread::sleep(Duration::from_millis(10));
}
