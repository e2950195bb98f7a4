//! A release fetched from a server on loopback, verified and staged, beside `sha256sum` and `tar` on the same file.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::time::median;
use crate::{FIRST, Host, NEXT, Releases};

const ROUNDS: usize = 7;

/// What it took, in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Stage {
    /// From the first byte that is asked for to the release in its place, synced.
    ours_micros: u64,
    /// `sha256sum FILE && tar -xzf FILE`, which sync nothing.
    by_hand_micros: u64,
    tarball_bytes: u64,
}

pub(super) fn measure(host: &Host) -> Stage {
    let releases = Releases::serve(host);
    releases.offer_first();
    let [_, url, _, key] = releases.words();
    let script = releases.served().join("install.sh").display().to_string();
    let from = [format!("--manifest-url={url}"), format!("--pubkey-file={key}")];
    host.program("sh").args([&script, "--user", "--version", FIRST]).args(&from).run().ok();
    releases.offer(NEXT, |_| ());
    let tarball = releases.served().join(NEXT).join(format!("banger-{NEXT}-linux-amd64.tar.gz"));
    let (mut ours, mut by_hands) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        by_hands.push(by_hand(host, &tarball));
        ours.push(stage(host, &releases));
    }
    let tarball_bytes = fs::metadata(&tarball).map_or(0, |found| found.len());
    Stage { ours_micros: median(&ours), by_hand_micros: median(&by_hands), tarball_bytes }
}

fn by_hand(host: &Host, tarball: &Path) -> Duration {
    let dir = host.home().join("unpacked");
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("make {}: {error}", dir.display()));
    let script = "sha256sum \"$0\" && tar -xzf \"$0\" -C \"$1\"";
    let unpack = host.program("/bin/sh").args(["-c", script]).args([tarball, &dir]);
    let took = unpack.timed().took;
    remove(&dir);
    took
}

/// Updates up to the check, and takes away what was staged.
fn stage(host: &Host, releases: &Releases) -> Duration {
    let program = host.home().join(".local/bin/banger");
    let mut update = host.program(program).args(["update", "--dry-run"]).args(releases.words()).start();
    update.wait_for_text("fetching");
    let began = Instant::now();
    update.wait_for_text("checking");
    let took = began.elapsed();
    update.finish().ok();
    remove(&host.home().join(".local/share/banger/releases").join(NEXT));
    took
}

fn remove(dir: &Path) {
    fs::remove_dir_all(dir).unwrap_or_else(|error| panic!("remove {}: {error}", dir.display()));
}
