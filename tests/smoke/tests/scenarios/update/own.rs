//! A home with a banger of its own in it, a machine that runs, and releases on offer.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use smoke::{
    Command, FIRST, Host, Releases, processes,
    wait::{wait_for, wait_until},
};

use crate::small::Small;

/// How long an update may take, with the way back.
const LIMIT: Duration = Duration::from_mins(3);

/// A home with a banger of its own, and one machine, and how it was when that ran.
pub(super) struct Own<'a> {
    pub(super) host: &'a Host,
    pub(super) releases: Releases,
    before: (String, String),
    /// Its state directory, as it is seen from here.
    pub(super) state: PathBuf,
    /// Where its releases lie, as that is seen from here.
    pub(super) library: PathBuf,
    small: Option<Small>,
    /// What every file of a release was when that was seen first, by its version.
    sums: RefCell<BTreeMap<String, String>>,
}

impl<'a> Own<'a> {
    /// Installs it as anybody would, and boots a machine.
    #[track_caller]
    pub(super) fn begin(host: &'a Host) -> Self {
        let mut own = Self::install(host);
        host.with_guests();
        own.banger(["vm", "create", "--name", "one", "--image", "debian-small"]).limit(LIMIT).run().ok();
        own.before = own.machine();
        own
    }

    /// Installs it as anybody would.
    #[track_caller]
    pub(super) fn install(host: &'a Host) -> Self {
        let releases = Releases::serve(host);
        releases.offer_first();
        let script = releases.served().join("install.sh").display().to_string();
        let [_, url, _, key] = releases.words();
        let from = [format!("--manifest-url={url}"), format!("--pubkey-file={key}")];
        let install = || host.program("sh").args([&script, "--user", "--version", FIRST]).args(&from).run();
        let said = install().ok().stderr();
        assert!(said.contains("installed: "), "{said}");
        let again = install().exits(3).stderr();
        assert!(again.contains("is installed in") && again.contains("banger update --to"), "{again}");
        let state = host.dir().join("state/banger");
        let library = host.dir().join("home/.local/share/banger");
        let (before, sums) = Default::default();
        Self { host, releases, before, state, library, small: None, sums }
    }

    /// Has its state on a small file system from now on.
    pub(super) fn enter(&mut self, small: Small) {
        self.state.clone_from(&small.seen);
        self.small = Some(small);
    }

    /// Has its releases on a small file system from now on.
    pub(super) fn enter_library(&mut self, small: Small) {
        self.library.clone_from(&small.seen);
        self.small = Some(small);
    }

    /// A call of the banger that was installed.
    pub(super) fn banger<'b>(&self, words: impl IntoIterator<Item = &'b str>) -> Command {
        let program = self.program();
        match &self.small {
            Some(small) => small.program(self.host, &program.display().to_string()).args(words),
            None => self.host.program(program).args(words),
        }
    }

    pub(super) fn update<'b>(&'b self, words: impl IntoIterator<Item = &'b str>) -> Command {
        let words: Vec<&str> = words.into_iter().collect();
        let watched = if words.contains(&"--trial-seconds") { vec![] } else { vec!["--trial-seconds", "1"] };
        self.banger(["update"].into_iter().chain(self.releases.words()).chain(words).chain(watched))
            .limit(LIMIT)
    }

    pub(super) fn program(&self) -> PathBuf {
        self.host.dir().join("home/.local/bin/banger")
    }

    fn updates(&self) -> PathBuf {
        self.state.join("update")
    }

    /// Waits until the journal holds this event.
    #[track_caller]
    pub(super) fn wait_for_event(&self, event: &str) {
        let journal = self.updates().join("journal");
        wait_for(&format!("{event} in the journal"), LIMIT, || {
            fs::read_to_string(&journal).is_ok_and(|text| text.contains(event))
        });
    }

    /// The drivers that run: of the old release first, which watches.
    fn drivers(&self) -> Vec<i32> {
        let drives = |line: &str| line.ends_with("banger update --drive");
        let found = processes(self.host.dir()).into_iter().filter(|process| drives(&process.line));
        let mut pids: Vec<i32> = found.map(|process| process.pid).collect();
        let program = |pid: &i32| fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
        // Release directories sort as their versions do here; numbers of processes begin anew some time.
        pids.sort_by_cached_key(program);
        pids
    }

    /// Waits until the old release's driver and the new one's are all there is: a program that one of them starts goes by its
    /// name for a moment.
    #[track_caller]
    pub(super) fn wait_for_both_drivers(&self) -> Vec<i32> {
        let both = wait_until(LIMIT, || Some(self.drivers()).filter(|drivers| drivers.len() == 2));
        both.unwrap_or_else(|| panic!("two drivers: {:?}", self.drivers()))
    }

    /// Waits until nobody drives and the journal is gone.
    #[track_caller]
    pub(super) fn wait_for_end(&self) {
        let journal = self.updates().join("journal");
        wait_for("the end of the update", LIMIT, || !journal.exists() && self.drivers().is_empty());
    }

    /// Waits until nobody holds the driver's lock: a process that was killed may have a write to end first.
    #[track_caller]
    pub(super) fn wait_for_nobody(&self) {
        let lock = fs::File::open(self.updates().join("driver")).unwrap();
        wait_for("the end of all drivers", LIMIT, || {
            let is_free = lock.try_lock_shared().is_ok();
            lock.unlock().unwrap();
            is_free
        });
    }

    /// Waits until no driver's doctor runs, nor is just being started by one.
    #[track_caller]
    pub(super) fn wait_for_end_of_doctor(&self) {
        let is_doctor = |line: &str| line.contains("banger doctor");
        wait_for("the end of the trial's doctor", LIMIT, || {
            let doctors = processes(self.host.dir()).into_iter().filter(|process| is_doctor(&process.line));
            doctors.count() == 0 && self.drivers().len() <= 2
        });
    }

    /// The machine's monitor and its boot.
    fn machine(&self) -> (String, String) {
        let shown = self.banger(["vm", "show", "one", "--json"]).run().ok().json();
        let boot = self.banger(["vm", "exec", "one", "--", "cat", "/proc/sys/kernel/random/boot_id"]);
        (shown["vm"]["monitor_pid"].to_string(), boot.run().ok().stdout())
    }

    #[track_caller]
    pub(super) fn assert_machine_lives(&self, what: &str) {
        assert_eq!(self.machine(), self.before, "{what}");
    }

    /// That one release, and nothing of another, is installed, runs and is recorded.
    #[track_caller]
    pub(super) fn assert_whole(&self, version: &str, what: &str) {
        self.assert_one(version, what);
        for left in ["journal", "trial", "plan", "staging", "reserve", "restoring"] {
            assert!(!self.updates().join(left).exists(), "{what}: {left} is left");
        }
        assert!(!self.state.join("state.db.copy").exists(), "{what}");
    }

    /// The version of the release that is installed.
    #[track_caller]
    pub(super) fn installed(&self) -> String {
        let link = fs::read_link(self.library.join("current")).unwrap();
        link.file_name().unwrap().to_str().unwrap().to_owned()
    }

    /// That one release is installed, runs and is recorded, whatever else lies there.
    #[track_caller]
    pub(super) fn assert_one(&self, version: &str, what: &str) {
        let library = &self.library;
        let link = fs::read_link(library.join("current")).unwrap();
        assert_eq!(link, PathBuf::from(format!("releases/{version}")), "{what}");
        let said = self.banger(["version"]).run().ok().stdout();
        assert!(said.starts_with(&format!("version: {version}\n")), "{what}: {said}");
        let record = fs::read_to_string(library.join("install.toml")).unwrap();
        assert!(record.contains(&format!("version = \"{version}\"\n")), "{what}: {record}");
        let status = self.banger(["daemon", "status", "--json"]).run().ok().json();
        let pid = status["daemon"]["pid"].to_string();
        let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        assert_eq!(program, library.canonicalize().unwrap().join(&link).join("bangerd"), "{what}");
        let sums = self.sums_of(&library.join(&link));
        let first = self.sums.borrow_mut().entry(version.to_owned()).or_insert_with(|| sums.clone()).clone();
        assert_eq!(sums, first, "{what}: every file of {version} is what it was");
    }

    fn sums_of(&self, release: &Path) -> String {
        let script = "cd \"$1\" && find . -type f | sort | xargs sha256sum";
        self.host.program("sh").args(["-c", script, "sh"]).args([release]).run().ok().stdout()
    }
}

/// Kills a process at once.
pub(super) fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

/// Has a process stand still.
pub(super) fn halt(pid: i32) {
    signal(pid, Signal::STOP);
}

fn signal(pid: i32, signal: Signal) {
    // It may be gone already.
    let _gone = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
}
