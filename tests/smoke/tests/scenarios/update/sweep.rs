//! An update whose processes are killed before a call that changes something, or of which such a call fails: at every
//! one of them by hand, at some that are spread over the whole in each run of the tests.

use std::{
    collections::BTreeMap,
    env, fs,
    process::{Command, Stdio},
};

use smoke::{FIRST, NEXT, STRUCK_NOTHING, on_plain};

use super::own::Own;

/// At how many points it is struck, unless `BANGER_SMOKE_POINTS` says otherwise.
const POINTS_DEFAULT: usize = 10;
/// What an update of this kind changes at the least: a list that is shorter was not of one.
const CALLS_MIN: usize = 200;

/// The call that declares an update.
const DECLARES: &str = "driver of v0.1.0: write update/journal";

/// A moment right before a call.
#[derive(Clone, Debug)]
struct Point {
    call: String,
    /// Which of those that are told alike, from 1.
    nth: usize,
    /// Whether that is after the declaration: all that is left then is to be brought to an end.
    is_declared: bool,
}

#[test]
fn update_killed_everywhere() {
    sweep(|_| true, &["caller", "all"]);
}

#[test]
fn update_errors_everywhere() {
    sweep(Point::is_of_a_file, &["ENOSPC", "EIO", "EROFS", "EMFILE"]);
}

/// Strikes at some of the points with one of the blows after the other; where more is wanted than there are points, at
/// all of them again with the next.
fn sweep(is_meant: fn(&Point) -> bool, blows: &[&str]) {
    on_plain(|host| {
        let own = Own::begin(host);
        own.releases.offer(NEXT, |_| ());
        let calls = own.calls();
        own.assert_whole(NEXT, "an update that is traced");
        own.assert_machine_lives("an update that is traced");
        assert!(calls.len() >= CALLS_MIN, "{}", calls.len());
        let mut points = points(&calls);
        points.retain(is_meant);
        let wanted = env::var("BANGER_SMOKE_POINTS").map_or(POINTS_DEFAULT, |text| text.parse().unwrap());
        host.note(format!("{} calls change something, at {} kinds of point", calls.len(), points.len()));
        let mut ends = BTreeMap::<Option<String>, usize>::new();
        let chosen = spread(&points, wanted);
        let strikes = (0..blows.len()).flat_map(|round| {
            chosen.iter().enumerate().map(move |(at, point)| (point, blows[(at + round) % blows.len()]))
        });
        for (point, blow) in strikes.take(wanted) {
            *ends.entry(own.strike(point, blow)).or_default() += 1;
        }
        let missed = ends.remove(&None).unwrap_or_default();
        host.note(format!("struck, by what was installed then: {ends:?}; missed: {missed}"));
        assert!(missed <= wanted / 2, "{missed} of {wanted}");
        own.back();
        own.update(["--force"]).run().ok();
        own.assert_whole(NEXT, "the update after all that");
        own.banger(["vm", "delete", "one"]).run().ok();
    });
}

impl Point {
    /// Whether its call can fail for what is wrong with a disk.
    fn is_of_a_file(&self) -> bool {
        !["a socket", "a process", ": execve ", ": flock "].iter().any(|other| self.call.contains(other))
    }
}

/// Where to strike: before the first, the middle and the last of the calls that are told alike.
fn points(calls: &[String]) -> Vec<Point> {
    let declared_at = calls.iter().position(|call| call == DECLARES).unwrap();
    let mut at = BTreeMap::<&String, Vec<usize>>::new();
    for (index, call) in calls.iter().enumerate() {
        at.entry(call).or_default().push(index);
    }
    let mut points = BTreeMap::new();
    for (call, indices) in at {
        for nth in [1, indices.len().div_ceil(2), indices.len()] {
            let index = indices[nth - 1];
            points.insert(index, Point { call: call.clone(), nth, is_declared: index > declared_at });
        }
    }
    points.into_values().collect()
}

/// So many of them, from all parts.
fn spread(points: &[Point], wanted: usize) -> Vec<&Point> {
    let wanted = wanted.min(points.len());
    (0..wanted).map(|at| &points[at * points.len() / wanted]).collect()
}

impl Own<'_> {
    fn traced(&self, strike: &[&str]) -> (smoke::Output, Vec<String>) {
        let list = self.host.dir().join("calls");
        let tracer = self.host.program(env!("CARGO_BIN_EXE_smoke")).args(["trace"]).args([&list]);
        let update = tracer.args(strike).args(["--"]).args([self.program()]).args(["update", "--force"]);
        let output = update.args(self.releases.words()).args(["--trial-seconds", "0"]).run();
        let calls = fs::read_to_string(&list).unwrap().lines().map(str::to_owned).collect();
        fs::remove_file(list).unwrap();
        (output, calls)
    }

    /// The calls of an update with which it changes something.
    fn calls(&self) -> Vec<String> {
        let (output, calls) = self.traced(&[]);
        output.ok();
        calls
    }

    /// Strikes before a call, or has it fail; then lets the next command bring to an end what is to be.
    /// Returns which release is installed then; `None` where that call did not come: how often something is written is not
    /// the same in each run.
    #[track_caller]
    fn strike(&self, point: &Point, blow: &str) -> Option<String> {
        self.back();
        let Point { call, nth, is_declared } = point;
        let what = format!("{blow} at `{call}`, number {nth}");
        println!("{what}");
        let (output, _) = self.traced(&[call, &nth.to_string(), blow]);
        if output.code == i32::from(STRUCK_NOTHING) {
            return None;
        }
        assert!(!output.stderr().contains("panicked"), "{what}: {}", output.stderr());
        // A doctor outlives the driver that it was run by, and could take the update up itself.
        self.wait_for_end_of_doctor();
        self.banger(["ps"]).run().ok();
        self.wait_for_end();
        let end = self.installed();
        if output.stderr().contains("state.db.copy cannot be removed") {
            // In the owner's own directory; it decides nothing, and whoever asked is told of it.
            fs::remove_file(self.state.join("state.db.copy")).unwrap();
        }
        if *is_declared {
            self.assert_whole(&end, &what);
        } else {
            // What was fetched and staged is for the next update to take or to clear away.
            self.assert_one(&end, &what);
        }
        self.assert_machine_lives(&what);
        Some(end)
    }

    /// Goes back to the release before, where it is not installed, and has the other one be fetched again.
    #[track_caller]
    fn back(&self) {
        if self.installed() != FIRST {
            self.update(["--rollback", "--force", "--trial-seconds", "0"]).run().ok();
        }
        self.assert_one(FIRST, "before");
        // Neither is there where the update before this one did not come so far.
        let _none = fs::remove_dir_all(self.library.join("releases").join(NEXT));
        let _none = fs::remove_file(self.library.join("previous"));
    }
}

/// Runs a shell that goes by the updater's name, which writes two files, under the tracer. Returns its exit code, what it
/// listed, and which of the files are there.
fn traced_shell(strike: &[&str]) -> (Option<i32>, Vec<String>, [bool; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let release = dir.path().join("v1");
    fs::create_dir(&release).unwrap();
    fs::copy("/bin/sh", release.join("banger")).unwrap();
    fs::write(release.join("update"), "echo 1 >first; (echo 2 >second)").unwrap();
    let mut tracer = Command::new(env!("CARGO_BIN_EXE_smoke"));
    tracer.args(["trace", "list"]).args(strike).args(["--", "./banger", "update"]);
    // What the shell says of its own failures is no part of it.
    let code = tracer.current_dir(&release).stderr(Stdio::null()).status().unwrap().code();
    let calls = fs::read_to_string(release.join("list")).unwrap().lines().map(str::to_owned).collect();
    (code, calls, ["first", "second"].map(|name| release.join(name).exists()))
}

#[test]
fn the_tracer_strikes_its_call_and_none_before() {
    let opens = |name: &str| format!("command of v1: openat {name}");
    let (code, calls, files) = traced_shell(&[]);
    assert_eq!((code, files), (Some(0), [true; 2]));
    let opened: Vec<&String> = calls.iter().filter(|call| call.contains(" openat ")).collect();
    assert_eq!(opened, [&opens("first"), &opens("second")]);
    // One that fails goes on, and its files say so.
    let (code, failed, files) = traced_shell(&[&opens("first"), "1", "EIO"]);
    assert_eq!((code, files), (Some(0), [false, true]), "{failed:?}");
    for whom in ["caller", "all"] {
        let (code, struck, files) = traced_shell(&[&opens("second"), "1", whom]);
        assert_eq!((code, files), (Some(0), [true, false]), "{whom}");
        assert!(calls.starts_with(&struck) && struck.len() < calls.len(), "{whom}: {struck:?}");
        for (call, nth) in [(opens("second"), "2"), (opens("third"), "1")] {
            let (code, _, files) = traced_shell(&[&call, nth, whom]);
            assert_eq!((code, files), (Some(i32::from(STRUCK_NOTHING)), [true; 2]), "{call}");
        }
    }
}
