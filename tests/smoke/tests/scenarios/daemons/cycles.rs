//! The same again and again: nothing piles up, and nothing hangs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use smoke::{Host, Running, on_plain, wait::wait_until};

use super::look::{Process, SMALL, daemon, settled, state};

/// How long the daemon may take to close what is not used any more.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// What is there of a home and of its daemon.
#[derive(Debug)]
struct Kept {
    paths: BTreeSet<PathBuf>,
    database_bytes: u64,
    rows: u64,
    /// How many of each kind.
    descriptors: BTreeMap<String, usize>,
}

impl Kept {
    #[track_caller]
    fn read(host: &Host) -> Self {
        assert_eq!(settled(host).len(), 0);
        wait_until_unwatched();
        let mut paths = BTreeSet::new();
        walk(host.dir(), &mut paths);
        let connection = Connection::open(state(host).join("state.db")).unwrap();
        let (busy, log): (i64, i64) = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!((busy, log), (0, 0), "the log is written back");
        let rows = connection.query_row("SELECT count(*) FROM vms", [], |row| row.get(0)).unwrap();
        let descriptors = descriptors(host);
        let length = |name: &str| fs::metadata(state(host).join(name)).map_or(0, |meta| meta.len());
        Self { paths, database_bytes: length("state.db") + length("state.db-wal"), rows, descriptors }
    }

    /// Holds it to be what was there `first`. The daemon may be closing the last call's connection still.
    #[track_caller]
    fn assert_no_more_than(&self, host: &Host, first: &Self) {
        assert_eq!(self.paths, first.paths);
        assert_eq!((self.database_bytes, self.rows), (first.database_bytes, first.rows));
        let is_in_first = |(kind, count): (&String, &usize)| first.descriptors.get(kind) >= Some(count);
        let closed = wait_until(CLOSE_LIMIT, || descriptors(host).iter().all(is_in_first).then_some(()));
        assert!(closed.is_some(), "{:#?} and first {first:#?}", descriptors(host));
    }
}

/// What the daemon has open: how many of each kind.
fn descriptors(host: &Host) -> BTreeMap<String, usize> {
    let descriptors = fs::read_dir(format!("/proc/{}/fd", daemon(host).unwrap().pid)).unwrap();
    let targets = descriptors
        .filter_map(|fd| Some(fs::read_link(fd.ok()?.path()).ok()?.to_string_lossy().into_owned()));
    let mut kinds = BTreeMap::new();
    for target in targets {
        // The inode of a socket or a pipe says nothing.
        let kind = target.split(':').next().unwrap_or_default().to_owned();
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// A link that has ended is watched for a second more.
fn wait_until_unwatched() {
    thread::sleep(Duration::from_millis(1500));
}

fn walk(dir: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), into);
        }
        into.insert(entry.path());
    }
}

/// Memory that the daemon holds, in KiB.
fn resident_kib(process: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn two_hundred_cycles_leave_nothing() {
    /// Creates and deletes machines: from, to.
    const CYCLES: &str = "for i in $(seq $1 $2); do
        banger -q vm create --no-start --image debian-small --name c$i >/dev/null || exit 1
        banger -q vm delete c$i >/dev/null || exit 1
    done";
    on_plain(|host| {
        host.with_guests();
        let cycles = |from: &str, to: &str| {
            let shell = host.program("/bin/sh").args(["-c", CYCLES, "sh", from, to]);
            shell.limit(Duration::from_mins(8)).run().ok().took
        };
        cycles("1", "10");
        let (first, memory) = (Kept::read(host), resident_kib(&daemon(host).unwrap()));
        let took = cycles("11", "200");
        Kept::read(host).assert_no_more_than(host, &first);
        host.note(format!(
            "a machine created and deleted in {} ms; the daemon holds {} KiB after 200, {memory} after 10",
            took.as_millis() / 190,
            resident_kib(&daemon(host).unwrap())
        ));
    });
}

/// Boots machines, two at a time, each for one command.
#[track_caller]
fn boots(host: &Host, count: usize) -> Vec<Duration> {
    let start = || {
        let call = host.banger(["vm", "run", "--rm"]).args(SMALL).args(["--", "echo", "up"]);
        call.limit(Duration::from_mins(10)).start()
    };
    let mut running: Vec<Running> = vec![];
    let mut took = vec![];
    for _ in 0..count {
        if running.len() == 2 {
            took.push(up(running.remove(0)));
        }
        running.push(start());
    }
    took.extend(running.into_iter().map(up));
    took
}

#[track_caller]
fn up(running: Running) -> Duration {
    let output = running.finish().ok();
    assert_eq!(output.stdout(), "up\n");
    output.took
}

#[test]
fn twenty_cycles_with_boot_leave_nothing() {
    on_plain(|host| {
        boots(host.with_guests(), 2);
        let first = Kept::read(host);
        let took = boots(host, 18);
        Kept::read(host).assert_no_more_than(host, &first);
        host.note(format!("{} boots, two at a time: {}", took.len(), summed_up(took)));
    });
}

fn summed_up(mut took: Vec<Duration>) -> String {
    took.sort();
    let middle = took[took.len() / 2].as_secs_f32();
    let longest = took[took.len() - 1].as_secs_f32();
    format!("the middle one took {middle:.1} s, the longest {longest:.1} s")
}

#[test]
fn no_boot_hangs_on_a_busy_host() {
    on_plain(|host| {
        host.with_guests();
        // Six are enough to see that it works at all; `BANGER_SMOKE_BOOTS=30` shows that none hangs.
        let count = std::env::var("BANGER_SMOKE_BOOTS").map_or(6, |count| count.parse().unwrap());
        let cores = thread::available_parallelism().unwrap().get();
        // They end with this scenario, however that ends.
        let busy: Vec<Running> = (0..cores)
            .map(|_| {
                host.program("/bin/sh")
                    .args(["-c", "while :; do :; done"])
                    .limit(Duration::from_hours(1))
                    .start()
            })
            .collect();
        let took = boots(host, count);
        drop(busy);
        let retried = retried(host);
        host.note(format!(
            "{count} boots, two at a time beside {cores} busy loops: {}; tried again: {retried}",
            summed_up(took)
        ));
    });
}

/// How many boots were given up and tried once more.
fn retried(host: &Host) -> u64 {
    let connection = Connection::open(state(host).join("state.db")).unwrap();
    let query = "SELECT coalesce(sum(value), 0) FROM counters WHERE name = 'boots_retried'";
    connection.query_row(query, [], |row| row.get(0)).unwrap()
}
