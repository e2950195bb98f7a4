//! A host to run a scenario on.

mod census;

use std::{
    cell::{Cell, RefCell},
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

pub use census::{Trace, files, processes};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    cache,
    command::{Account, Command},
    inside::{self, Inside, Kind},
    place, slot,
    wait::wait_until,
};

/// How long processes may take to be gone after the daemon was told to stop.
const GONE_LIMIT: Duration = Duration::from_secs(20);

/// The directories of one user.
#[derive(Debug)]
pub(crate) struct Home {
    dir: PathBuf,
}

impl Home {
    /// Makes the directories below `dir`, for their owner alone.
    pub(crate) fn at(dir: PathBuf) -> Self {
        for name in ["home", "state", "cache", "config", "run"] {
            let path = dir.join(name);
            let made = fs::create_dir_all(&path)
                .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o700)));
            made.unwrap_or_else(|error| panic!("create {}: {error}", path.display()));
        }
        Self { dir }
    }

    fn envs(&self) -> Vec<(OsString, OsString)> {
        let programs = place::programs();
        let path =
            format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", programs.display());
        let dir = |name: &str| self.dir.join(name).into_os_string();
        [
            ("HOME", dir("home")),
            ("XDG_STATE_HOME", dir("state")),
            ("XDG_CACHE_HOME", dir("cache")),
            ("XDG_CONFIG_HOME", dir("config")),
            ("XDG_RUNTIME_DIR", dir("run")),
            ("PATH", path.into()),
            ("LANG", "C.UTF-8".into()),
            ("TERM", "dumb".into()),
            ("USER", "smoke".into()),
        ]
        .map(|(key, value)| (key.into(), value))
        .to_vec()
    }

    pub(crate) fn banger<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        Command::new(place::programs().join("banger"), self.dir.join("home"), &self.envs()).args(args)
    }

    fn has_daemon(&self) -> bool {
        self.dir.join("run/banger/bangerd.sock").exists()
    }

    /// Stops the daemon, where there is one.
    pub(crate) fn stop_daemon(&self) {
        if self.has_daemon() {
            let _stopped = self.banger(["daemon", "stop"]).limit(Duration::from_mins(1)).run().ok();
        }
    }
}

/// What a host is.
#[derive(Debug)]
enum Site {
    /// This machine, and a home with nothing in it: the kind *plain*.
    Home(Home),
    /// A system with a systemd of its own, and an ordinary user `dev`.
    Inside(Inside),
}

/// A host to run a scenario on. What only hosts with a systemd of their own have stands in `service.rs`.
#[derive(Debug)]
pub struct Host {
    // In the order in which they go: who works in the directory, the directory, the right to have guests.
    site: Site,
    dir: TempDir,
    slot: RefCell<Option<slot::Slot>>,
    scenario: String,
    skipped: RefCell<Option<String>>,
    notes: RefCell<Vec<String>>,
    failed: RefCell<Vec<String>>,
    may_leave_machines: Cell<bool>,
}

impl Host {
    pub(crate) fn plain(scenario: &str) -> Self {
        Self::new(scenario, |dir| Site::Home(Home::at(dir.to_owned())))
    }

    /// One with a systemd of its own.
    pub(crate) fn service(scenario: &str, kind: Kind) -> Self {
        cache::ensure();
        Self::new(scenario, |dir| Site::Inside(Inside::boot(kind, dir)))
    }

    fn new(scenario: &str, site: impl FnOnce(&Path) -> Site) -> Self {
        let homes = place::smoke("homes");
        let dir = tempfile::Builder::new().prefix(&format!("{scenario}.")).tempdir_in(&homes);
        let dir = dir.unwrap_or_else(|error| panic!("create a directory in {}: {error}", homes.display()));
        Self {
            site: site(dir.path()),
            dir,
            slot: RefCell::default(),
            scenario: scenario.to_owned(),
            skipped: RefCell::default(),
            notes: RefCell::default(),
            failed: RefCell::default(),
            may_leave_machines: Cell::new(false),
        }
    }

    /// What kind of host it is, as `tests/skips.toml` calls it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.site {
            Site::Home(_) => "plain",
            Site::Inside(inside) => inside.kind().name(),
        }
    }

    /// Whether it is this machine with a home of its own.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.site, Site::Home(_))
    }

    /// The system with a systemd of its own.
    #[track_caller]
    pub(crate) fn inside(&self) -> &Inside {
        match &self.site {
            Site::Home(_) => panic!("a plain host has no systemd of its own"),
            Site::Inside(inside) => inside,
        }
    }

    /// The directory below which everything of a plain host's home lies: `home`, `state`, `cache`, `config`, `run`.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The home of whoever runs commands, as they see it.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        match &self.site {
            Site::Home(home) => home.dir.join("home"),
            Site::Inside(_) => inside::DEV_HOME.into(),
        }
    }

    /// Puts the shared images and kernels into this home, or to where the user `dev` has them, and waits until
    /// guests may be booted.
    ///
    /// # Panics
    ///
    /// Where the images and kernels cannot be prepared.
    pub fn with_guests(&self) -> &Self {
        if self.slot.borrow().is_none() {
            *self.slot.borrow_mut() = Some(slot::take());
            match &self.site {
                Site::Home(_) => cache::share(self.dir.path()),
                Site::Inside(_) => self.share_images(),
            }
        }
        self
    }

    /// A call of `banger`.
    pub fn banger<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        match &self.site {
            Site::Home(home) => home.banger(args),
            Site::Inside(inside) => inside.command(Account::Dev, Path::new("banger")).args(args),
        }
    }

    /// Runs `work` where what it connects to, and listens at, is the host's own.
    ///
    /// # Panics
    ///
    /// Where the host is an emulated computer, whose network is its own.
    #[track_caller]
    pub fn in_its_network<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.site {
            Site::Home(_) => work(),
            Site::Inside(inside) => inside.container().in_its_network(work),
        }
    }

    /// A call of another program with the same environment, as the same user.
    pub fn program(&self, path: impl Into<PathBuf>) -> Command {
        match &self.site {
            Site::Home(home) => Command::new(path.into(), self.dir.path().join("home"), &home.envs()),
            Site::Inside(inside) => inside.command(Account::Dev, &path.into()),
        }
    }

    /// Counts the machines that are recorded.
    ///
    /// # Panics
    ///
    /// Where they cannot be listed.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.names().len()
    }

    /// The names of the machines that are recorded.
    ///
    /// # Panics
    ///
    /// Where they cannot be listed.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.vms().iter().filter_map(|vm| Some(vm["name"].as_str()?.to_owned())).collect()
    }

    /// The machines that are recorded.
    pub(crate) fn vms(&self) -> Vec<serde_json::Value> {
        let mut list = self.banger(["vm", "list", "--json"]).run().ok().json();
        match list["vms"].take() {
            serde_json::Value::Array(vms) => vms,
            _ => panic!("no list of machines: {list}"),
        }
    }

    /// What there is to know of a machine.
    ///
    /// # Panics
    ///
    /// Where there is no such machine.
    #[must_use]
    pub fn vm(&self, name: &str) -> serde_json::Value {
        self.banger(["vm", "show", "--json", name]).run().ok().json()["result"]["vm"].take()
    }

    /// Starts a machine of the small image that stays.
    ///
    /// # Panics
    ///
    /// Where it does not come up.
    pub fn start_small(&self, name: &str) {
        self.with_guests().banger(["vm", "create", "--name", name, "--image", "debian-small"]).run().ok();
    }

    /// A shell's script in a machine.
    pub fn sh(&self, name: &str, script: &str) -> Command {
        self.banger(["vm", "exec", name, "--", "sh", "-c", script])
    }

    /// Deletes a machine, whatever it does.
    ///
    /// # Panics
    ///
    /// Where it cannot be deleted.
    pub fn delete(&self, name: &str) {
        // One that does not run cannot be killed.
        let _killed = self.banger(["vm", "kill", name]).run();
        self.banger(["vm", "delete", name]).run().ok();
    }

    /// Runs a further scenario on what this one has set up; it has a name and a report of its own. Where it
    /// fails, the others go on, and the scenario that they are parts of fails at its end.
    pub fn also(&self, scenario: &str, body: impl FnOnce()) {
        println!("--- {scenario}");
        if crate::scenario::reported(scenario, self, body).is_err() {
            // They may be gone when the whole has failed.
            self.print_logs();
            self.failed.borrow_mut().push(scenario.to_owned());
        }
    }

    /// Fails where a part did.
    pub(crate) fn assert_parts_are_well(&self) {
        let failed = self.failed.borrow();
        assert!(failed.is_empty(), "failed: {}", failed.join(", "));
    }

    /// Where a program of ours lies.
    #[must_use]
    pub fn program_path(&self, name: &str) -> PathBuf {
        place::programs().join(name)
    }

    /// Deletes what machines are left at the end of the scenario instead of holding it to have none.
    pub fn delete_machines_afterwards(&self) {
        self.may_leave_machines.set(true);
    }

    /// Puts something that was measured into the scenario's report and into the summary.
    pub fn note(&self, seen: impl Into<String>) {
        let seen = seen.into();
        println!("seen: {seen}");
        self.notes.borrow_mut().push(seen);
    }

    /// Takes what was noted so far, and puts `notes` in its place.
    pub(crate) fn swap_notes(&self, notes: Vec<String>) -> Vec<String> {
        self.notes.replace(notes)
    }

    /// Says that the scenario cannot be held here; see [`skip!`](crate::skip).
    ///
    /// # Panics
    ///
    /// Where `tests/skips.toml` does not allow it.
    pub fn skip(&self, missing: &str) {
        crate::scenario::assert_may_skip(&self.scenario, self.kind(), missing);
        *self.skipped.borrow_mut() = Some(missing.to_owned());
    }

    pub(crate) fn skipped(&self) -> Option<String> {
        self.skipped.borrow().clone()
    }

    /// Stops the daemon and holds the scenario to have left nothing.
    pub(crate) fn assert_leaves_nothing(&self) {
        let has_daemon = match &self.site {
            Site::Home(home) => home.has_daemon(),
            Site::Inside(_) => self.has_daemon_inside(),
        };
        if has_daemon {
            self.delete_machines_if_allowed();
            assert_eq!(self.machines(), 0, "machines are left");
        }
        match &self.site {
            Site::Home(home) => {
                home.stop_daemon();
                self.assert_home_is_empty();
            }
            Site::Inside(_) => self.assert_nothing_of_machines_inside(),
        }
    }

    fn delete_machines_if_allowed(&self) {
        if self.may_leave_machines.get() {
            for name in self.names() {
                let _killed = self.banger(["vm", "kill", &name]).run();
            }
            let _pruned = self.banger(["vm", "prune", "-f"]).run();
        }
    }

    fn assert_home_is_empty(&self) {
        let gone = wait_until(GONE_LIMIT, || census::processes(self.dir()).is_empty().then_some(()));
        if gone.is_none() {
            let left: Vec<_> = census::processes(self.dir()).iter().map(ToString::to_string).collect();
            panic!("left behind:\n{}", left.join("\n"));
        }
        let left = census::files(self.dir());
        assert!(left.is_empty(), "left behind: {left:#?}");
    }

    /// Ends what a failed scenario left, and prints what its daemon and consoles said.
    pub(crate) fn clear_up(&self) {
        if matches!(self.site, Site::Inside(_)) {
            // All that it left goes with it.
            return self.print_logs();
        }
        for trace in census::processes(self.dir()) {
            println!("ending {trace}");
            if let Some(pid) = Pid::from_raw(trace.pid) {
                // It may have ended in the meantime.
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
        self.print_logs();
    }

    fn print_logs(&self) {
        match &self.site {
            Site::Home(_) => print_logs(&self.dir().join("state")),
            Site::Inside(_) => self.print_logs_inside(),
        }
    }
}

/// The end of each log below `dir`, which is all that is left to see of a scenario that failed.
fn print_logs(dir: &Path) {
    const LINES_MAX: usize = 60;
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            print_logs(&path);
        } else if path.extension().is_some_and(|extension| extension == "log") {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).into_owned();
            let lines: Vec<&str> = text.lines().collect();
            let end = lines[lines.len().saturating_sub(LINES_MAX)..].join("\n");
            println!("--- the end of {}\n{end}", path.display());
        }
    }
}
