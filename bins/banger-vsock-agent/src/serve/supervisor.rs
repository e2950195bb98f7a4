//! Keeps one worker running.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    thread::sleep,
    time::{Duration, Instant},
};

/// A worker that lived shorter than this counts as failed at start.
const LIVED: Duration = Duration::from_secs(10);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Starts the worker, and again whenever it ends. Never returns while it can be started.
pub(crate) fn supervise(args: impl Iterator<Item = String>) -> ExitCode {
    let args: Vec<String> = args.collect();
    let mut pause = PAUSE_MIN;
    loop {
        let begun = Instant::now();
        match run_once(&args) {
            Ok(()) => {}
            Err(error) => eprintln!("banger: start the agent: {}", crate::words::of(&error)),
        }
        pause = if begun.elapsed() > LIVED { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
        sleep(pause);
    }
}

fn run_once(args: &[String]) -> io::Result<()> {
    // The binary may have no name any more: it came with the initramfs.
    let mut worker = Command::new("/proc/self/exe").arg0("banger-agent").arg("work").args(args).spawn()?;
    worker.wait().map(drop)
}
