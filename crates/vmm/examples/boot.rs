//! Boots machines by hand, without a daemon, and says how long each part took:
//!
//! ```text
//! cargo run -p vmm --example boot -- work=DIR kernel=FILE initramfs=FILE image=FILE home=FILE agent=FILE \
//!     [modules=FILE] [count=N] [memory=512M] [tsc=off] [append=WORDS] [keep=SECS]
//! ```
//!
//! Each boots, answers, uses its disks, is asked to power off, and is gone. With `keep` they stay up so
//! long first.

#![expect(clippy::print_stdout, reason = "a program to be run by hand")]

use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use disk::{
    Cancel,
    root::{RootMethod, RootRequest},
};
use guest::client::Connection;
use host::{boot::boot_id, program, tsc};
use model::{BootId, Size, VmSpec};
use vm::{
    boot_guard::{Judgement, Limits, Watched, judge},
    boot_plan::{Accel, BootFacts, plan},
};
use vmm::{
    console::{self, Mark},
    machine::{self, Launch, Launched},
    qemu::Qemu,
};

type Anything = Box<dyn Error + Send + Sync>;

/// The words of the command line.
struct Words(BTreeMap<String, String>);

impl Words {
    fn file(&self, key: &str) -> Result<PathBuf, Anything> {
        Ok(std::fs::canonicalize(self.0.get(key).ok_or_else(|| format!("{key}= is missing"))?)?)
    }

    fn number(&self, key: &str, default: u64) -> Result<u64, Anything> {
        Ok(self.0.get(key).map_or(Ok(default), |text| text.parse())?)
    }
}

fn main() -> Result<(), Anything> {
    let words: Option<BTreeMap<String, String>> = std::env::args()
        .skip(1)
        .map(|word| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    let words = Arc::new(Words(words.ok_or("each word is key=value")?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let qemu = Qemu::find(None)?;
        println!("{}, sandbox {}", qemu.name(), qemu.has_sandbox);
        let tasks: Vec<_> = (0..words.number("count", 1)?)
            .map(|number| tokio::spawn(live(words.clone(), qemu.clone(), number)))
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(())
    })
}

async fn live(words: Arc<Words>, qemu: Qemu, number: u64) -> Result<(), Anything> {
    let host_boot = boot_id()?;
    let work = words.file("work")?;
    let dir = work.join(format!("{number:012x}"));
    machine::discard(&dir, &host_boot).await?;
    let spec = VmSpec {
        vcpus: 2.try_into()?,
        memory: words.0.get("memory").map_or("512M", String::as_str).parse()?,
        disk_size: Size::from_gib(2),
        system_overlay_size: Size::from_gib(4),
        nat: true,
        publish: vec!["22".parse()?],
    };
    let method = make_disks(&words, &dir, &spec, number)?;
    let measured = tsc::khz(&work, &host_boot);
    let facts = BootFacts {
        monitor: vm::boot_plan::Monitor::Qemu,
        accel: Accel::Emulated,
        tsc_khz: measured.filter(|_| words.0.get("tsc").is_none_or(|word| word != "off")),
        kernel: words.file("kernel")?,
        initramfs: words.file("initramfs")?,
        modules_disk: words.file("modules").ok(),
        root_format: method.format(),
        root_backing: None,
        tap: None,
        agent_socket: vm::layout::SERIAL_SOCKET.into(),
    };
    let (mut plan, agent) = (plan(&spec, &facts), words.file("agent")?);
    plan.cmdline.extend(words.0.get("append").into_iter().flat_map(|more| [" ", more]));
    let launch = Launch { dir: &dir, plan: &plan, qemu: &qemu, agent: &agent, host_boot: &host_boot };
    let outcome = boot_and_end(&words, &launch, number).await;
    if outcome.is_err() {
        let lines = console::last_lines(&dir, Mark::default(), 60)?;
        println!("{number}: failed; console: {lines:#?}; monitor: {:?}", machine::monitor_said(&dir));
    }
    machine::discard(&dir, &host_boot).await?;
    outcome
}

fn make_disks(words: &Words, dir: &Path, spec: &VmSpec, number: u64) -> Result<RootMethod, Anything> {
    let started = Instant::now();
    disk::dir::create(dir)?;
    let (image, tool) = (words.file("image")?, program::find("qemu-img"));
    let request = RootRequest {
        dir,
        image: &image,
        overlay_size: spec.system_overlay_size,
        qemu_img: tool.as_deref(),
        methods: &RootMethod::PREFERRED,
    };
    let root = disk::root::create(&request, &Cancel::default())?;
    let root_took = started.elapsed();
    disk::home::create(dir, &words.file("home")?, spec.disk_size)?;
    println!("{number}: root disk {:?} {root_took:?}, both {:?}", root.method, started.elapsed());
    Ok(root.method)
}

async fn boot_and_end(words: &Words, launch: &Launch<'_>, number: u64) -> Result<(), Anything> {
    let started = Instant::now();
    let launched = machine::launch(launch).await?;
    println!("{number}: launched after {:?}", started.elapsed());
    let client = Connection::in_dir(launch.dir);
    let health = await_agent(launch.dir, &client, &launched, started, number).await?;
    println!("{number}: agent after {:?}, boot {}", started.elapsed(), health.boot_id);
    found_again(launch.dir, launch.host_boot, &launched)?;
    println!("{number}: ports {:?}", vmm::link::published(launch.dir)?);
    println!("{number}: stats {:?}", client.stats().await?);
    tokio::time::sleep(Duration::from_secs(words.number("keep", 0)?)).await;
    println!("{number}: usage {:?}, disk {}", launched.monitor.usage(), disk::dir::usage(launch.dir)?);

    let asked = Instant::now();
    client.poweroff().await?;
    let ended = launched.monitor.ended_within(Duration::from_mins(1)).await?;
    println!("{number}: ended {ended:?} {:?} after it was asked", asked.elapsed());
    if ended.is_none() {
        return Err("it does not power off".into());
    }
    machine::finish(launch.dir, Some(&launched.link)).await?;
    let left: Vec<_> = vm::layout::LEFTOVERS
        .into_iter()
        .filter(|file| launch.dir.join(file).symlink_metadata().is_ok())
        .collect();
    println!("{number}: left {left:?}; finished {:?} after it was asked", asked.elapsed());
    Ok(())
}

async fn await_agent(
    dir: &Path,
    client: &Connection,
    launched: &Launched,
    started: Instant,
    number: u64,
) -> Result<guest::Health, Anything> {
    let limits = Limits::of(Accel::Emulated);
    let (mut end, mut grown, mut longest) = (Mark::default(), Instant::now(), Duration::ZERO);
    loop {
        if let Ok(health) = client.health().await {
            println!("{number}: longest silence {longest:?}");
            return Ok(health);
        }
        let now = console::end(dir)?;
        if now == end {
            longest = longest.max(grown.elapsed());
        } else {
            (end, grown) = (now, Instant::now());
        }
        let watched = Watched {
            since_start: started.elapsed(),
            since_growth: grown.elapsed(),
            attempt: limits.attempts_max,
        };
        if let Judgement::GiveUp(hang) = judge(&limits, &watched) {
            return Err(format!("{number}: it hangs: {hang:?}").into());
        }
        if launched.monitor.ended_within(Duration::from_millis(20)).await?.is_some() {
            return Err(format!("{number}: its monitor ended").into());
        }
    }
}

/// As a daemon does that has just started.
fn found_again(dir: &Path, host_boot: &BootId, launched: &Launched) -> Result<(), Anything> {
    let found = machine::find(dir, host_boot)?;
    let monitor = found.monitor.process().map(|process| process.id());
    let link = found.link.process().map(|process| process.id());
    if (monitor, link) == (Some(launched.monitor.id()), Some(launched.link.id())) {
        Ok(())
    } else {
        Err("its processes are not found again".into())
    }
}
