//! What is seen from outside: processes, records, and that both agree with what lies on the disk.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use rusqlite::{Connection, OptionalExtension};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use smoke::{
    Host, Output, Trace, processes,
    wait::{wait_for, wait_until},
};

/// What an interrupted boot may take until it is over, on a busy host.
const SETTLED_LIMIT: Duration = Duration::from_mins(4);
const GONE_LIMIT: Duration = Duration::from_secs(20);

/// A process, by its number and its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: i32,
    pub(super) started: u64,
}

impl Process {
    /// The process of this number; nobody where it has ended.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads a line as in `proc_pid_stat(5)`: the number, the name in brackets, the state; the start is the 22nd.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.get(stat.rfind(')')? + 2..)?.split(' ').collect();
        let has_ended = matches!(fields.first(), None | Some(&"Z" | &"X"));
        let found =
            Self { pid: stat.split(' ').next()?.parse().ok()?, started: fields.get(19)?.parse().ok()? };
        (!has_ended).then_some(found)
    }

    pub(super) fn lives(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Kills it and waits until it is gone.
    #[track_caller]
    pub(super) fn kill(&self) {
        assert!(self.lives(), "{self:?} is gone already");
        kill_process(Pid::from_raw(self.pid).unwrap(), Signal::KILL).unwrap();
        wait_for("the end of a process that was killed", GONE_LIMIT, || !self.lives());
    }
}

/// The daemon's process, where it runs.
pub(super) fn daemon(host: &Host) -> Option<Process> {
    let pid = fs::read_to_string(state(host).join("bangerd.lock")).ok()?.trim().parse().ok()?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    if name.trim() == "bangerd" { Process::of(pid) } else { None }
}

/// The daemon's state directory.
pub(super) fn state(host: &Host) -> PathBuf {
    host.dir().join("state/banger")
}

/// What a command with `--json` printed under one name.
#[track_caller]
pub(super) fn object(output: &Output, what: &str) -> Value {
    let mut line: Value = serde_json::from_str(output.stdout().trim()).unwrap();
    line[what].take()
}

/// A machine as it is recorded and as it runs.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) error: Option<String>,
    pub(super) dir: PathBuf,
    pub(super) monitor: Option<Process>,
}

impl Machine {
    fn read(vm: &Value) -> Self {
        let text = |key: &str| vm[key].as_str().map(str::to_owned);
        let pid = vm["monitor_pid"].as_i64().and_then(|pid| pid.try_into().ok());
        Self {
            id: text("id").unwrap(),
            name: text("name").unwrap(),
            state: text("state").unwrap(),
            error: text("error"),
            dir: text("dir").unwrap().into(),
            monitor: pid.and_then(Process::of),
        }
    }

    /// The names of the files in its directory.
    pub(super) fn files(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    }

    /// Its link's process, where it runs.
    pub(super) fn link(&self) -> Option<Process> {
        let identity = fs::read_to_string(self.dir.join("link.id")).ok()?;
        Process::parse(identity.lines().nth(1)?).filter(Process::lives)
    }
}

/// Every machine, as the next command sees it.
#[track_caller]
pub(super) fn machines(host: &Host) -> Vec<Machine> {
    let output = host.banger(["vm", "list", "--json"]).run().ok();
    object(&output, "vms").as_array().unwrap().iter().map(Machine::read).collect()
}

/// One machine.
#[track_caller]
pub(super) fn machine(host: &Host, name: &str) -> Machine {
    let found = machines(host).into_iter().find(|machine| machine.name == name);
    found.unwrap_or_else(|| panic!("there is no machine {name}"))
}

/// Lets the next command start the daemon where it has to, waits until that has settled its machines and has
/// ended all that it went on with, and holds records, directories and processes to agree.
#[track_caller]
pub(super) fn settled(host: &Host) -> Vec<Machine> {
    let _started = machines(host);
    let quiet = wait_until(SETTLED_LIMIT, || {
        let output = host.banger(["daemon", "status", "--json"]).run().ok();
        let status = object(&output, "daemon");
        let is_quiet = status["operations"].as_array().is_some_and(Vec::is_empty);
        (status["ready_at"].is_string() && is_quiet).then_some(())
    });
    assert!(quiet.is_some(), "the daemon is not done within {} s", SETTLED_LIMIT.as_secs());
    let machines = machines(host);
    assert_agree(host, &machines);
    machines
}

#[track_caller]
fn assert_agree(host: &Host, machines: &[Machine]) {
    for machine in machines {
        let rests = ["created", "stopped", "error", "running"].contains(&machine.state.as_str());
        assert!(rests, "{machine:#?}");
        assert_eq!(machine.monitor.is_some(), machine.state == "running", "{machine:#?}");
    }
    let directories: BTreeSet<String> = fs::read_dir(state(host).join("vms"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let ids: BTreeSet<String> = machines.iter().map(|machine| machine.id.clone()).collect();
    assert_eq!(directories, ids, "directories and records of machines");

    let running: Vec<&Machine> = machines.iter().filter(|machine| machine.state == "running").collect();
    let strays = || -> Vec<Trace> {
        let daemon = daemon(host).map(|daemon| daemon.pid);
        let owned = |trace: &Trace| {
            let parts = running.iter().flat_map(|machine| [machine.monitor.clone(), machine.link()]);
            daemon == Some(trace.pid) || parts.flatten().any(|process| process.pid == trace.pid)
        };
        processes(host.dir()).into_iter().filter(|trace| !owned(trace)).collect()
    };
    // One that is ending may take a moment.
    let none = wait_until(GONE_LIMIT, || strays().is_empty().then_some(()));
    assert!(none.is_some(), "processes that belong to no machine: {:#?}", strays());
    for machine in running {
        assert!(machine.link().is_some(), "it has no link: {machine:#?}");
    }
}

/// The daemon's database. It is looked at while the daemon has it open, as SQLite allows.
#[derive(Debug)]
pub(super) struct Records {
    connection: Connection,
}

impl Records {
    pub(super) fn open(host: &Host) -> Self {
        let connection = Connection::open(state(host).join("state.db")).unwrap();
        connection.busy_timeout(Duration::from_secs(5)).unwrap();
        Self { connection }
    }

    /// The recorded state of a machine.
    pub(super) fn state(&self, name: &str) -> Option<String> {
        let query = "SELECT state FROM vms WHERE name = ?1";
        self.connection.query_row(query, [name], |row| row.get(0)).optional().unwrap()
    }
}

/// A machine that has nothing to do with what happens.
#[derive(Debug)]
pub(super) struct Bystander {
    boot: String,
    monitor: Process,
    link: Process,
}

impl Bystander {
    const NAME: &str = "stays";

    /// Boots it.
    #[track_caller]
    pub(super) fn boot(host: &Host) -> Self {
        boot(host, Self::NAME);
        let machine = machine(host, Self::NAME);
        Self {
            boot: boot_id(host, Self::NAME),
            monitor: machine.monitor.clone().unwrap(),
            link: machine.link().unwrap(),
        }
    }

    /// Holds it to run still: the same boot, the same processes.
    #[track_caller]
    pub(super) fn assert_stays(&self, host: &Host) {
        let machine = machine(host, Self::NAME);
        assert_eq!(machine.state, "running");
        assert_eq!(machine.monitor.as_ref(), Some(&self.monitor), "its monitor");
        assert_eq!(machine.link().as_ref(), Some(&self.link), "its link");
        assert_eq!(boot_id(host, Self::NAME), self.boot, "its boot");
    }

    /// Deletes it.
    #[track_caller]
    pub(super) fn delete(self, host: &Host) {
        self.assert_stays(host);
        host.banger(["vm", "delete", Self::NAME]).run().ok();
        assert!(!self.monitor.lives() && !self.link.lives());
    }
}

/// What a small machine is made of.
pub(super) const SMALL: [&str; 6] = ["--image", "debian-small", "--vcpu", "1", "--memory", "256M"];

/// Creates and boots a small machine.
#[track_caller]
pub(super) fn boot(host: &Host, name: &str) {
    host.banger(["vm", "create", "--name", name]).args(SMALL).run().ok();
}

/// The boot that runs, as the guest's kernel says.
#[track_caller]
pub(super) fn boot_id(host: &Host, name: &str) -> String {
    host.banger(["vm", "exec", name, "--", "cat", "/proc/sys/kernel/random/boot_id"]).run().ok().stdout()
}
