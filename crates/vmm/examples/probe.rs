//! Says whether KVM truly runs a kernel here, and how long it took to find out:
//!
//! ```text
//! cargo run -p vmm --example probe -- DIR KERNEL INITRAMFS [emulated]
//! ```

#![expect(clippy::print_stdout, reason = "a program to be run by hand")]

use std::{error::Error, path::PathBuf, time::Instant};

use host::boot::boot_id;
use model::Digest;
use vm::boot_plan::Accel;
use vmm::{
    monitor::Monitor,
    probe::{self, Probe},
    qemu::Qemu,
};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [state_dir, kernel, initramfs, more @ ..] = words.as_slice() else {
        return Err("DIR KERNEL INITRAMFS [emulated]".into());
    };
    let (monitor, host_boot) = (Monitor::Qemu(Qemu::find(None)?), boot_id()?);
    let digest = Digest::from_bytes([0; 32]);
    let probe = Probe { state_dir, monitor: &monitor, kernel, digest, initramfs, host_boot: &host_boot };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for _ in 0..2 {
        let started = Instant::now();
        let verdict = runtime.block_on(async {
            if more.is_empty() {
                probe::verdict(&probe).await
            } else {
                probe::boot(&probe, Accel::Emulated, probe::PATIENCE).await
            }
        });
        println!("{verdict:?} after {:?}", started.elapsed());
    }
    Ok(())
}
