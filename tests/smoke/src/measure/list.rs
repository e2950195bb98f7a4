//! A list of many machines, and the daemon's memory with them.

use std::{fs, path::PathBuf, time::Duration};

use model::{VmId, VmName};
use serde::Serialize;
use store::{Store, VmRecord};

use super::time::median;
use crate::{Host, processes, wait::wait_for};

const ROUNDS: usize = 21;
const START_LIMIT: Duration = Duration::from_mins(1);

/// How many machines the lists have.
const COUNTS: [u16; 3] = [100, 1000, 2000];

/// What it took, in microseconds and bytes.
#[expect(clippy::struct_field_names, reason = "the unit of a figure stands in its name")]
#[derive(Debug, Serialize)]
pub(crate) struct List {
    /// `banger vm list`, the whole process, with each number of machines.
    list_micros: Vec<(u16, u64)>,
    /// `banger --version`: the process without the daemon.
    version_micros: u64,
    /// `git --version`, beside them.
    git_micros: u64,
    /// The daemon's resident memory after a list without machines, and with each number of machines.
    resident_bytes: Vec<(u16, u64)>,
}

pub(super) fn measure(host: &Host) -> List {
    let (mut list_micros, mut resident_bytes) = (vec![], vec![]);
    host.banger(["vm", "create", "--no-start", "--name", "list", "--image", "debian-small"]).run().ok();
    let sample = with_store(host, |store| {
        let records = store.vms().unwrap_or_else(|error| panic!("read the machines: {error}"));
        records.into_iter().next().unwrap_or_else(|| panic!("no machine is recorded"))
    });
    host.banger(["vm", "delete", "list"]).run().ok();
    host.banger(["daemon", "stop"]).run().ok();
    start(host);
    resident_bytes.push((0, resident(host)));
    let (version_micros, git_micros) = others(host);
    for count in COUNTS {
        let records = with_store(host, |store| fill(host, store, &sample, count));
        start(host);
        let times: Vec<_> = (0..ROUNDS).map(|_| host.banger(["vm", "list"]).timed().took).collect();
        list_micros.push((count, median(&times)));
        resident_bytes.push((count, resident(host)));
        with_store(host, |store| {
            for id in &records {
                store.delete_vm(id).unwrap_or_else(|error| panic!("take a record out: {error}"));
                fs::remove_dir(dir_of(host, id))
                    .unwrap_or_else(|error| panic!("remove a directory: {error}"));
            }
        });
    }
    List { list_micros, version_micros, git_micros, resident_bytes }
}

fn others(host: &Host) -> (u64, u64) {
    let version = || host.banger(["--version"]).timed().took;
    let git = || host.program("/usr/bin/git").args(["--version"]).timed().took;
    let (versions, gits): (Vec<_>, Vec<_>) = (0..ROUNDS).map(|_| (version(), git())).unzip();
    (median(&versions), median(&gits))
}

/// Works on the database while no daemon has it.
fn with_store<T>(host: &Host, work: impl FnOnce(&mut Store) -> T) -> T {
    host.banger(["daemon", "stop"]).run().ok();
    let path = host.dir().join("state/banger/state.db");
    let mut store = Store::open(&path).unwrap_or_else(|error| panic!("open {}: {error}", path.display()));
    work(&mut store)
}

fn fill(host: &Host, store: &mut Store, sample: &VmRecord, count: u16) -> Vec<VmId> {
    let make = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let id = VmId::from_random([1, 2, 3, 4, high, low]);
        let name: VmName = format!("box-{number}").parse().unwrap_or_else(|error| panic!("{error}"));
        let record = VmRecord { id: id.clone(), name, ..sample.clone() };
        store.insert_vm(&record).unwrap_or_else(|error| panic!("put a record in: {error}"));
        let dir = dir_of(host, &id);
        fs::create_dir(&dir).unwrap_or_else(|error| panic!("create {}: {error}", dir.display()));
        id
    };
    (0..count).map(make).collect()
}

fn dir_of(host: &Host, id: &VmId) -> PathBuf {
    host.dir().join("state/banger/vms").join(id.as_str())
}

/// Starts the daemon and waits until it has looked after every machine.
fn start(host: &Host) {
    let log = host.dir().join("state/banger/bangerd.log");
    let taken_up = || fs::read_to_string(&log).unwrap_or_default().matches("machines are taken up").count();
    let before = taken_up();
    host.banger(["vm", "list"]).run().ok();
    wait_for("the machines to be taken up", START_LIMIT, || taken_up() > before);
}

fn resident(host: &Host) -> u64 {
    let found = processes(host.dir());
    let daemon = found.iter().find(|trace| trace.line.ends_with("/bangerd"));
    let pid = daemon.unwrap_or_else(|| panic!("no daemon in {found:?}")).pid;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or_else(|| panic!("process {pid} does not tell its memory")) * 1024
}
