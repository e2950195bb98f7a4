//! What `doctor` asks of the daemon.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use api::{DoctorDefaults, DoctorReport, Failure};
use built::VERSION;
use config::{AccelChoice, VmmChoice};
use doctor::{
    AgentFact, Facts, FirecrackerFact, KvmFact, MonitorFact, NamedFact, SocketFact, StoreFact, ToolFact,
};
use store::Readiness;
use vmm::qemu::{Qemu, QemuError};

use super::helper;
use crate::{
    app::{App, Known},
    failure::chain,
    machine,
    owner::BOOTS_RETRIED,
    program::DATABASE,
};

/// How long a program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);

/// Gathers the facts and says what they mean.
///
/// # Errors
///
/// The kernels or the counters cannot be read.
pub(crate) async fn doctor(app: &App, defaults: &DoctorDefaults) -> Result<DoctorReport, Failure> {
    Ok(report(&facts(app, defaults).await?))
}

/// What facts mean, as it is told.
pub(super) fn report(facts: &Facts) -> DoctorReport {
    DoctorReport { checks: doctor::examine(facts), fixed: vec![], unfixed: vec![] }
}

/// Gathers all that the daemon and its helper know.
///
/// # Errors
///
/// The kernels or the counters cannot be read.
pub(super) async fn facts(app: &App, defaults: &DoctorDefaults) -> Result<Facts, Failure> {
    let named = defaults.kernel.as_ref().or_else(|| app.config.default_kernel());
    let kernel = named.map_or_else(|| machine::default_kernel(app), |name| Ok(Some(name.clone())))?;
    let image = defaults.image.as_ref().unwrap_or_else(|| app.config.default_image());
    let (strays, lost) = without_record(app);
    Ok(Facts {
        architecture: std::env::consts::ARCH.to_owned(),
        store: store_fact(&app.dirs.state().join(DATABASE)),
        monitor: monitor_fact(app.monitor.find(app.config.qemu_bin()).await?),
        firecracker: firecracker_fact(app).await,
        kvm: kvm_fact(app),
        tools: tools(),
        image: NamedFact {
            name: Some(image.to_string()),
            is_there: app.library.images.get(image).is_ok(),
            can_be_made: image::Recipe::find(image.as_str()).is_some(),
        },
        kernel: NamedFact {
            is_there: kernel.as_ref().is_some_and(|name| app.library.kernels.get(name).is_ok()),
            can_be_made: named.is_none(),
            name: kernel.map(|name| name.to_string()),
        },
        agent: agent_fact(&app.agent).await,
        state_dir: app.dirs.state().to_owned(),
        room: host::capacity::free_room(app.dirs.state()).unwrap_or_default(),
        socket: socket_fact(&app.dirs.socket()),
        strays,
        lost,
        unsettled: unsettled(app),
        loops: host::block::loops::idle_over(&[app.dirs.state(), app.dirs.cache()]),
        helper: helper::fact(app).await,
        boots_retried: app.owner.counter(BOOTS_RETRIED).await?,
        // A service is nobody's session.
        logout_kills: !app.dirs.is_system() && logout_kills(),
    })
}

fn store_fact(path: &Path) -> StoreFact {
    match store::check_migrations(path) {
        Readiness::Compatible { version } => StoreFact::Usable { version },
        Readiness::WillMigrate { from, to } => StoreFact::Unusable {
            why: format!("it is of version {from}, and should be {to}"),
            hint: "A new daemon brings it up to date.".to_owned(),
        },
        Readiness::Cannot(error) => StoreFact::Unusable {
            why: chain(&error),
            hint: error.hint().unwrap_or_else(|| "Look at it by hand.".to_owned()),
        },
    }
}

fn monitor_fact(found: Result<Qemu, QemuError>) -> MonitorFact {
    match found {
        Ok(qemu) => {
            MonitorFact::Found { path: qemu.program, version: (qemu.version.major, qemu.version.minor) }
        }
        Err(QemuError::TooOld { program, version }) => {
            MonitorFact::Found { path: program, version: (version.major, version.minor) }
        }
        Err(error) => MonitorFact::Missing { program: chain(&error) },
    }
}

async fn firecracker_fact(app: &App) -> FirecrackerFact {
    match app.firecracker().await {
        Ok(None) => FirecrackerFact::NotUsed,
        Ok(Some(found)) => FirecrackerFact::Found {
            name: found.name(),
            is_tried: found.version.is_tried(),
            path: found.program,
        },
        Err(error) => FirecrackerFact::Missing {
            why: chain(&error),
            hint: error.hint().unwrap_or_default(),
            is_wanted: app.config.vmm() == VmmChoice::Firecracker,
        },
    }
}

fn kvm_fact(app: &App) -> KvmFact {
    match app.known_accel() {
        Known::Kvm => KvmFact::Usable,
        Known::Unknown => KvmFact::NotTried,
        Known::Emulated { .. } if app.config.accel() == AccelChoice::Emulated => KvmFact::NotWanted,
        Known::Emulated { why } => KvmFact::NotUsable { why },
    }
}

fn tools() -> Vec<ToolFact> {
    let is_root = rustix::process::geteuid().is_root();
    let tool = |name, needed_for, package, is_vital| ToolFact {
        name,
        path: host::program::find(name),
        needed_for,
        package,
        is_vital,
    };
    let mut tools = vec![
        tool("qemu-img", "root disks where files cannot share blocks", "qemu-utils", false),
        tool("mkfs.ext4", "disks", "e2fsprogs", true),
        tool("mmdebstrap", "building images", "mmdebstrap", false),
    ];
    if !is_root {
        tools.push(tool("fakeroot", "building images without root", "fakeroot", false));
        tools.push(tool("newuidmap", "building images without root", "uidmap", false));
    }
    tools.push(tool("ssh", "`banger vm ssh`", "openssh-client", false));
    tools
}

async fn agent_fact(path: &Path) -> AgentFact {
    if !path.is_file() {
        return AgentFact::Missing { path: path.to_owned() };
    }
    let not_runnable = |why: String| AgentFact::NotRunnable { path: path.to_owned(), why };
    let asked =
        tokio::process::Command::new(path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    match tokio::time::timeout(VERSION_LIMIT, asked).await {
        Err(_) => not_runnable(format!("it did not say its version within {} s", VERSION_LIMIT.as_secs())),
        Ok(Err(error)) => not_runnable(error.to_string()),
        Ok(Ok(output)) if !output.status.success() => not_runnable(output.status.to_string()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stdout);
            // `banger-vsock-agent 0.1.0`, with or without a `v` before the number.
            let word = said.split_whitespace().nth(1).unwrap_or("of no version");
            AgentFact::Runs {
                version: word.trim_start_matches('v').to_owned(),
                wanted: VERSION.trim_start_matches('v').to_owned(),
            }
        }
    }
}

fn socket_fact(path: &Path) -> SocketFact {
    let found = fs::symlink_metadata(path).ok();
    SocketFact {
        path: path.to_owned(),
        owner: found.as_ref().map(MetadataExt::uid),
        mode: found.map_or(0, |found| found.permissions().mode() & 0o7777),
        uid: rustix::process::geteuid().as_raw(),
    }
}

/// What belongs to no machine, and the directories of machines whose record is lost.
fn without_record(app: &App) -> (Vec<String>, Vec<PathBuf>) {
    match machine::unrecorded(app) {
        Ok(found) => (
            found.strays.iter().map(|dir| format!("directory {}", dir.display())).collect(),
            found.lost.iter().map(|id| app.dirs.vm(id)).collect(),
        ),
        Err(error) => (vec![format!("directories of machines, which cannot be read: {error}")], vec![]),
    }
}

fn unsettled(app: &App) -> Vec<String> {
    match machine::unsettled(app) {
        Ok(vms) => vms
            .iter()
            .map(|(vm, why)| format!("machine {} is recorded as {}: {why}", vm.name, vm.state))
            .collect(),
        Err(error) => vec![format!("what runs cannot be told: {error}")],
    }
}

/// Says whether logind ends every process of a session with it (logind.conf(5)). Root's it spares, unless
/// told otherwise.
fn logout_kills() -> bool {
    if rustix::process::geteuid().is_root() {
        return false;
    }
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let mut parts: Vec<_> = fs::read_dir("/etc/systemd/logind.conf.d")
        .into_iter()
        .flatten()
        .flatten()
        .map(|part| part.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    parts.sort();
    let texts = std::iter::once(read(Path::new("/etc/systemd/logind.conf")))
        .chain(parts.iter().map(|part| read(part)));
    let last = texts.filter_map(|text| last_setting(&text)).next_back();
    Path::new("/run/systemd/system").exists() && last.unwrap_or(false)
}

fn last_setting(text: &str) -> Option<bool> {
    let mut values = text.lines().filter_map(|line| line.trim().strip_prefix("KillUserProcesses="));
    values.next_back().map(|value| matches!(value.trim(), "yes" | "true" | "on" | "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_setting_of_logind_counts() {
        for (text, want) in [
            ("[Login]\n#KillUserProcesses=yes\n", None),
            ("[Login]\nKillUserProcesses=yes\n", Some(true)),
            ("[Login]\nKillUserProcesses=yes\nKillUserProcesses=no\n", Some(false)),
        ] {
            assert_eq!(last_setting(text), want, "{text:?}");
        }
    }
}
