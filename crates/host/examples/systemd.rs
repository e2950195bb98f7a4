//! Takes a transient unit through its life, on the systemd of a bus:
//!
//! ```text
//! cargo run -p host --example systemd -- unix:path=/run/user/1000/bus
//! ```

#![expect(clippy::print_stdout, reason = "a program to be run by hand")]

use std::{error::Error, time::Duration};

use host::systemd::{DevicePolicy, Guard, KillMode, Systemd, TransientUnit, Whom};

const LIMIT: Duration = Duration::from_secs(10);

fn unit(name: &str, argv: &[&str]) -> TransientUnit {
    TransientUnit {
        name: name.to_owned(),
        description: "an example".to_owned(),
        slice: "banger.slice".to_owned(),
        before: vec!["shutdown.target".to_owned()],
        exec_start: argv.iter().map(|&word| word.to_owned()).collect(),
        exec_stop: Vec::new(),
        exec_stop_post: Vec::new(),
        run_limit: None,
        working_dir: "/".to_owned(),
        kill_mode: KillMode::Mixed,
        stop_limit: Duration::from_secs(2),
        sends_sigkill: true,
        device_policy: DevicePolicy::Auto,
        devices: Vec::new(),
        memory_max_bytes: Some(64 << 20),
        cpu_quota_percent: Some(150),
        cpu_weight: Some(50),
        tasks_max: Some(20),
        open_files_max: Some(512),
        output_file: Some("/tmp/banger-example.log".to_owned()),
        umask: 0o077,
        guards: vec![Guard::NoNewPrivileges, Guard::LockPersonality],
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let systemd = match std::env::args().nth(1) {
        Some(address) => Systemd::connect_to(&address).await?,
        None => Systemd::connect().await?,
    };
    let name = "banger-example.service";
    println!("absent: {:?}", systemd.unit(name).await?);
    println!("stop of what is not there: {:?}", systemd.stop(name, LIMIT).await);
    println!("signal to what is not there: {:?}", systemd.kill(name, Whom::Main, 15).await);

    systemd.start_transient(&unit(name, &["/bin/sleep", "600"]), LIMIT).await?;
    println!("started: {:?}", systemd.unit(name).await?);
    println!("again: {:?}", systemd.start_transient(&unit(name, &["/bin/true"]), LIMIT).await);
    println!("listed: {:?}", systemd.list(&["banger-ex*"]).await?);
    println!("killed: {:?}", systemd.kill(name, Whom::Main, 9).await);
    systemd.stop(name, LIMIT).await?;
    println!("after a kill: {:?}", systemd.unit(name).await?);
    println!("reset: {:?}, again {:?}", systemd.reset_failed(name).await?, systemd.reset_failed(name).await?);
    println!("gone: {:?}", systemd.unit(name).await?);

    let stubborn = unit(name, &["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"]);
    systemd.start_transient(&stubborn, LIMIT).await?;
    println!("too long: {:?}", systemd.stop(name, Duration::from_millis(200)).await);
    println!("stopped: {:?}", systemd.stop(name, LIMIT).await);
    systemd.reset_failed(name).await?;

    let missing = unit(name, &["/nowhere/program"]);
    println!("no program: {:?}", systemd.start_transient(&missing, LIMIT).await);
    systemd.reset_failed(name).await?;
    systemd.daemon_reload().await?;
    println!("installed: {:?}", systemd.unit("basic.target").await?);
    Ok(())
}
