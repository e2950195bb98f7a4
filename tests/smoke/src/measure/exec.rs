//! A command in a machine that runs.

use std::time::{Duration, Instant};

use guest::client::Connection;
use serde::Serialize;

use super::time::median;
use crate::Host;

const ROUNDS: usize = 41;

/// How often the guest starts a program in one go.
const SPAWNS: u64 = 200;

/// What it took, in microseconds.
#[expect(clippy::struct_field_names, reason = "the unit of a figure stands in its name")]
#[derive(Debug, Serialize)]
pub(crate) struct Exec {
    /// `banger vm exec -- true`, the whole process.
    exec_micros: u64,
    /// One question to the agent over the same link, on a connection of its own, answered from memory.
    echo_micros: u64,
    /// A program's start and end in the guest, as a shell there does it.
    spawn_micros: u64,
}

pub(super) fn measure(host: &Host) -> Exec {
    host.start_small("exec");
    let dir = host.vm("exec")["link_dir"].as_str().unwrap_or_default().to_owned();
    let connection = Connection::in_dir(dir);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("start a runtime: {error}"));
    let echo = || {
        let began = Instant::now();
        let answer = runtime.block_on(connection.health());
        answer.unwrap_or_else(|error| panic!("ask the agent: {error}"));
        began.elapsed()
    };
    let exec = || host.banger(["vm", "exec", "exec", "--", "true"]).timed().took;
    // Warm.
    echo();
    exec();
    spawn(host);
    let (mut execs, mut echos, mut spawns) = (vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        execs.push(exec());
        echos.push(echo());
        if round % 10 == 0 {
            spawns.push(spawn(host));
        }
    }
    host.delete("exec");
    Exec { exec_micros: median(&execs), echo_micros: median(&echos), spawn_micros: median(&spawns) }
}

fn spawn(host: &Host) -> Duration {
    let script = format!(
        "t=$(date +%s%N); i=0; while [ $i -lt {SPAWNS} ]; do /bin/true; i=$((i+1)); done; \
         echo $((($(date +%s%N) - t) / {SPAWNS}))"
    );
    let told = host.sh("exec", &script).run().ok().stdout();
    let nanos = told.trim().parse().unwrap_or_else(|error| panic!("{told:?}: {error}"));
    Duration::from_nanos(nanos)
}
