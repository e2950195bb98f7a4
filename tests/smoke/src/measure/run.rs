//! A machine from nothing for one command, beside the same monitor started by hand.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use guest::client::Connection;
use serde::Serialize;

use super::time::{median, stage};
use crate::{Host, processes};

const ROUNDS: usize = 7;
const BOOT_LIMIT: Duration = Duration::from_mins(2);
/// How soon the agent is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(2);
const IMAGE: &str = "debian-small";

/// What it took, in microseconds.
#[expect(clippy::struct_field_names, reason = "the unit of a figure stands in its name")]
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    /// `banger vm run --rm -- true`, the whole process.
    total_micros: u64,
    /// Of that, from the monitor's start to the agent's first answer.
    boot_micros: u64,
    /// The rest: our own part.
    own_micros: u64,
    /// Monitor and link started by hand with the same arguments, to the agent's first answer.
    by_hand_micros: u64,
}

/// The processes of a machine, as the product started them.
struct Recipe {
    monitor: Vec<String>,
    link: Vec<String>,
}

pub(super) fn measure(host: &Host) -> Run {
    let recipe = recipe(host);
    let (mut totals, mut boots, mut owns, mut by_hands) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let run = ["--json", "vm", "run", "--rm", "--image", IMAGE, "--", "true"];
        let output = host.banger(run).timed();
        let boot = stage(&output, "boot");
        totals.push(output.took);
        boots.push(boot);
        owns.push(output.took.saturating_sub(boot));
        by_hands.push(by_hand(host, &recipe));
    }
    Run {
        total_micros: median(&totals),
        boot_micros: median(&boots),
        own_micros: median(&owns),
        by_hand_micros: median(&by_hands),
    }
}

fn recipe(host: &Host) -> Recipe {
    host.start_small("recipe");
    let dir = dir_of(host, "recipe");
    let found = processes(host.dir());
    let here = |pid: i32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == dir);
    let words = |program: &str| {
        let trace = found.iter().find(|trace| here(trace.pid) && trace.line.contains(program));
        let pid = trace.unwrap_or_else(|| panic!("no {program} in {found:?}")).pid;
        let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split_terminator('\0').map(str::to_owned).collect()
    };
    let recipe = Recipe { monitor: words("qemu-system"), link: words("banger-vsock-agent") };
    host.delete("recipe");
    recipe
}

fn dir_of(host: &Host, name: &str) -> PathBuf {
    PathBuf::from(host.vm(name)["dir"].as_str().unwrap_or_default())
}

/// Boots new disks with the same arguments; returns the time to the agent's first answer.
fn by_hand(host: &Host, recipe: &Recipe) -> Duration {
    host.banger(["vm", "create", "--no-start", "--name", "by-hand", "--image", IMAGE]).run().ok();
    let dir = dir_of(host, "by-hand");
    let connection = Connection::in_dir(&dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("start a runtime: {error}"));
    let began = Instant::now();
    let processes = [Started::new(&recipe.monitor, &dir), Started::new(&recipe.link, &dir)];
    let answered =
        runtime.block_on(async { tokio::time::timeout(BOOT_LIMIT, wait_for_health(&connection)).await });
    let took = began.elapsed();
    assert!(answered.is_ok(), "no agent answered in {}", dir.display());
    drop(processes);
    host.banger(["vm", "delete", "by-hand"]).run().ok();
    took
}

/// A process that is killed when it is dropped.
struct Started(Child);

impl Started {
    fn new(words: &[String], dir: &Path) -> Self {
        let (program, args) = words.split_first().unwrap_or_else(|| panic!("no program"));
        let mut command = Command::new(program);
        command.args(args).current_dir(dir).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("start {program}: {error}")))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

async fn wait_for_health(connection: &Connection) {
    while connection.health().await.is_err() {
        tokio::time::sleep(ASK_AGAIN).await;
    }
}
