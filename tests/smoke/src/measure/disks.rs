//! Making the disks of a machine, of a small and of a large image.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use serde::Serialize;

use super::time::{median, stage};
use crate::Host;

const ROUNDS: usize = 15;

/// What it took, in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Disks {
    /// Root, home and keys of a machine of the small image.
    small_micros: u64,
    /// The same of the default image.
    large_micros: u64,
    /// `qemu-img create` by hand, as the product calls it: most of the work where no reflink can be had.
    qemu_img_micros: u64,
    small_bytes: u64,
    large_bytes: u64,
}

pub(super) fn measure(host: &Host) -> Disks {
    let (mut small, mut large, mut by_hand) = (vec![], vec![], vec![]);
    // The first makes what all have in common.
    create(host, "debian-small");
    for _ in 0..ROUNDS {
        small.push(create(host, "debian-small"));
        large.push(create(host, "debian-bookworm"));
        by_hand.push(qemu_img(host));
    }
    let size = |image: &str| {
        let shown = host.banger(["image", "show", "--json", image]).run().ok().json();
        shown["image"]["size"].as_u64().unwrap_or_default()
    };
    Disks {
        small_micros: median(&small),
        large_micros: median(&large),
        qemu_img_micros: median(&by_hand),
        small_bytes: size("debian-small"),
        large_bytes: size("debian-bookworm"),
    }
}

fn create(host: &Host, image: &str) -> std::time::Duration {
    let create = ["--json", "vm", "create", "--no-start", "--name", "disks", "--image", image];
    let output = host.banger(create).timed();
    host.banger(["vm", "delete", "disks"]).run().ok();
    stage(&output, "create disks")
}

fn qemu_img(host: &Host) -> std::time::Duration {
    let path = host.dir().join("by-hand.qcow2");
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2"]).arg(&path).arg("8G").stdin(Stdio::null());
    let began = Instant::now();
    let made = command.status().unwrap_or_else(|error| panic!("start qemu-img: {error}"));
    let took = began.elapsed();
    assert!(made.success(), "qemu-img: {made}");
    let _gone = std::fs::remove_file(path);
    took
}
