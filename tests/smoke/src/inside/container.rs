//! A container of this machine, with a systemd as its first process.
//!
//! Its keeper is a process with namespaces of its own, which dies with the thread that started it; everything else
//! dies with the keeper.

use std::{
    fs,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use super::{STATE, lacks::succeeds, root, state};
use crate::{
    command::{Account, Way, children, field},
    place,
    wait::wait_until,
};

/// How long a boot may take on a busy machine.
const BOOT_LIMIT: Duration = Duration::from_mins(2);

/// How long what was killed may take to be gone.
const GONE_LIMIT: Duration = Duration::from_secs(20);

/// The root that it starts from.
fn root() -> PathBuf {
    place::cache().join("inside/root")
}

/// Makes what a container starts from.
pub(super) fn prepare() {
    root::prepare(&root(), &[]);
    state::prepare();
}

/// The script that keeps it.
fn script() -> PathBuf {
    place::repository().join("tests/smoke/src/inside/container.sh")
}

#[derive(Debug)]
pub(crate) struct Container {
    dir: PathBuf,
    /// The name of its control group.
    name: String,
    keeper: Child,
}

/// Whether a keeper gets what it asks of this machine.
pub(super) fn can_be_kept() -> bool {
    let dirs = place::smoke("homes");
    let Ok(dir) = tempfile::Builder::new().prefix("probe.").tempdir_in(&dirs) else { return false };
    let name = format!("banger-smoke-{}-probe", std::process::id());
    let mut keeper = keeper("probe", &name, dir.path(), dir.path());
    let kept = succeeds(&mut keeper);
    remove_cgroup(&name);
    kept
}

fn keeper(step: &str, name: &str, dir: &Path, lower: &Path) -> Command {
    let mut keeper = Command::new("setpriv");
    keeper.args(["--pdeathsig", "KILL", "unshare", "--mount", "sh"]).arg(script());
    keeper.args([step, name]).arg(dir).arg(lower).arg(dir.join("programs")).current_dir("/");
    keeper
}

/// Removes the control group with all below it, and those of scenarios that were killed. Their hierarchy need not
/// be mounted where others see it.
fn remove_cgroup(name: &str) {
    const REMOVE: &str = "mount --make-rprivate / && mount -t tmpfs none /run && mkdir /run/cgroup &&
        mount -t cgroup2 none /run/cgroup && cd /run/cgroup || exit 1
        remove() { find \"$1\" -depth -type d -exec rmdir {} +; }
        remove \"$1\"
        for old in banger-smoke-*; do
            pid=${old#banger-smoke-}
            [ -e \"/proc/${pid%%-*}\" ] || remove \"$old\"
        done";
    let mut remove = Command::new("unshare");
    // Where there is none, there is nothing to be removed.
    let _gone = succeeds(remove.args(["--mount", "sh", "-c", REMOVE, "sh", name]));
}

impl Container {
    pub(super) fn boot(dir: &Path) -> Self {
        let bring = |result: std::io::Result<()>, path: &Path| {
            result.unwrap_or_else(|error| panic!("make {}: {error}", path.display()));
        };
        let programs = dir.join("programs");
        bring(place::copy_programs(&programs), &programs);
        // Before the first look into the directory, as the file system wants it.
        let below = dir.join("upper").join(STATE.trim_start_matches('/'));
        if let Some(parent) = below.parent() {
            bring(fs::create_dir_all(parent), parent);
        }
        state::share(&below);
        let name =
            format!("banger-smoke-{}-{}", std::process::id(), dir.file_name().unwrap_or_default().display());
        let log = fs::File::create(dir.join("keeper.log")).and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = log.unwrap_or_else(|error| panic!("create a log in {}: {error}", dir.display()));
        let keeper = keeper("enter", &name, dir, &root())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("start setpriv: {error}"));
        let this = Self { dir: dir.to_owned(), name, keeper };
        this.wait_until_up();
        this
    }

    pub(super) fn way(&self, account: Account) -> Way {
        // One that boots itself again is not there for a moment.
        let Some(leader) = wait_until(GONE_LIMIT, || self.leader()) else {
            panic!("the container does not run\n{}", self.log())
        };
        Way::Container { leader, account }
    }

    pub(super) fn reboot(&self) {
        self.begin_again(|leader| {
            let id = leader.to_string();
            let mut reboot = Command::new("nsenter");
            reboot.args(["--target", &id, "--all", "--root", "--wd", "systemctl", "reboot"]);
            // The answer may be lost with the one who gives it.
            let _told = succeeds(&mut reboot);
        });
    }

    pub(super) fn power_cut(&self) {
        let again = self.dir.join("again");
        fs::write(&again, "").unwrap_or_else(|error| panic!("write {}: {error}", again.display()));
        self.begin_again(kill);
    }

    /// Waits until it is up, whatever took it down.
    pub(super) fn come_up(&self) {
        self.wait_until_up();
    }

    fn begin_again(&self, end: impl FnOnce(i32)) {
        // It may be on its way up already.
        let Some(before) = wait_until(BOOT_LIMIT, || self.leader()) else {
            panic!("the container does not run\n{}", self.log())
        };
        end(before);
        let another = || self.leader().filter(|leader| *leader != before);
        let is_there = wait_until(BOOT_LIMIT, another).is_some();
        assert!(is_there, "the container did not come again\n{}", self.log());
        self.wait_until_up();
    }

    /// Waits until its boot is over, well or not.
    fn wait_until_up(&self) {
        let told = wait_until(BOOT_LIMIT, || {
            let leader = self.leader()?.to_string();
            let asked = Command::new("nsenter")
                .args(["--target", &leader, "--all", "--root", "--wd", "systemctl", "is-system-running"])
                .stdin(Stdio::null())
                .output()
                .ok()?;
            let told = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
            ["running", "degraded"].contains(&&*told).then_some(told)
        });
        assert!(told.is_some(), "the container did not come up\n{}", self.log());
    }

    /// Its first process, as this machine numbers it.
    fn leader(&self) -> Option<i32> {
        let keeper = i32::try_from(self.keeper.id()).ok()?;
        let shell = children(keeper).next()?;
        let manager =
            children(shell).find(|pid| field(*pid, "Name").is_some_and(|name| name == "systemd-nspawn"))?;
        let is_first = |pid: &i32| field(*pid, "NSpid").is_some_and(|ids| ids.ends_with("\t1"));
        children(manager).find(is_first)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("keeper.log")).unwrap_or_default()
    }

    pub(crate) fn in_its_network<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let Some(leader) = self.leader() else { panic!("the container does not run\n{}", self.log()) };
        in_network_of(leader, work)
    }

    pub(crate) fn in_network_outside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        in_network_of(self.keeper.id().cast_signed(), work)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The first process of the keeper's namespaces takes all others with it, and the keeper waits for that.
        children(self.keeper.id().cast_signed()).for_each(kill);
        let gone = wait_until(GONE_LIMIT, || self.keeper.try_wait().ok().flatten());
        if gone.is_none() {
            let _gone = self.keeper.kill().and_then(|()| self.keeper.wait());
        }
        remove_cgroup(&self.name);
    }
}

fn kill(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have ended in the meantime.
        let _gone = kill_process(pid, Signal::KILL);
    }
}

fn in_network_of<T: Send>(pid: i32, work: impl FnOnce() -> T + Send) -> T {
    let path = format!("/proc/{pid}/ns/net");
    let network = fs::File::open(&path).unwrap_or_else(|error| panic!("open {path}: {error}"));
    let ran = thread::scope(|scope| {
        let thread = scope.spawn(move || {
            // Of this thread alone, which ends with the work.
            let moved = move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network));
            moved.unwrap_or_else(|error| panic!("enter a network: {error}"));
            work()
        });
        thread.join()
    });
    ran.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
