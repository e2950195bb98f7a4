//! What `info` shows.

use std::path::Path;

use api::{Failure, Info, Setting};
use built::{COMMIT, VERSION};
use config::{Shown, VmmChoice};
use disk::root::RootMethod;
use model::{VmSpec, VmState};
use vm::boot_plan::Monitor;

use crate::{
    app::{App, Known},
    failure::chain,
    machine,
    program::LOG_FILE,
};

/// Gathers what `info` shows.
///
/// # Errors
///
/// The kernels cannot be read.
pub(crate) async fn info(app: &App) -> Result<Info, Failure> {
    let snapshot = app.owner.snapshot();
    let known = app.known_accel();
    let monitor = monitors(app).await?;
    let network = app.hands.network_in_words().await;
    let disk_method = disk_method(app).await;
    let is_emulated = app.is_emulated();
    Ok(Info {
        version: VERSION.to_owned(),
        commit: COMMIT.to_owned(),
        mode: if app.dirs.is_system() { "system" } else { "embedded" }.to_owned(),
        pid: std::process::id(),
        started_at: app.started_at,
        ready_at: *app.ready_at.borrow(),
        monitor,
        accel: known.word().to_owned(),
        accel_why: known.why(),
        disk_method: disk_method.as_str().to_owned(),
        network,
        default_image: app.config.default_image().to_string(),
        default_kernel: machine::default_kernel(app)?.map(|name| name.to_string()),
        vm_defaults: VmSpec {
            vcpus: app.config.vcpus(is_emulated),
            memory: app.config.memory(),
            disk_size: app.config.disk_size(),
            system_overlay_size: app.config.system_overlay_size(),
            nat: true,
            publish: vec![],
        },
        paths: paths(app),
        settings: app.config.shown(is_emulated).into_iter().map(setting).collect(),
        vms_running: snapshot.vms.iter().filter(|vm| vm.state == VmState::Running).count(),
        vms: snapshot.vms.len(),
    })
}

fn setting(shown: Shown) -> Setting {
    Setting { key: shown.key.to_owned(), value: shown.value, source: shown.source }
}

/// The monitors that there are, the one that is taken where it works first.
async fn monitors(app: &App) -> Result<String, Failure> {
    let qemu = match app.monitor.find(app.config.qemu_bin()).await? {
        Ok(qemu) => format!("{} at {}", qemu.name(), qemu.program.display()),
        Err(error) => chain(&error),
    };
    Ok(match app.firecracker().await {
        Ok(Some(found)) => format!("{} at {}, else {qemu}", found.name(), found.program.display()),
        Err(error) if app.config.vmm() == VmmChoice::Firecracker => chain(&error),
        Ok(None) | Err(_) => qemu,
    })
}

fn paths(app: &App) -> Vec<Setting> {
    let socket = app.dirs.socket();
    let is_system = app.dirs.is_system();
    let of = |key: &str, path: &Path, variable: &str| Setting {
        key: key.to_owned(),
        value: path.display().to_string(),
        source: match std::env::var_os(variable) {
            _ if is_system => "system".to_owned(),
            Some(_) => variable.to_owned(),
            None => "default".to_owned(),
        },
    };
    let log = if is_system {
        Setting { value: "journalctl -u bangerd.service".to_owned(), ..of("log", Path::new(""), "") }
    } else {
        of("log", &app.dirs.state().join(LOG_FILE), "XDG_STATE_HOME")
    };
    vec![
        of("state", app.dirs.state(), "XDG_STATE_HOME"),
        of("cache", app.dirs.cache(), "XDG_CACHE_HOME"),
        of("config", app.dirs.config(), "XDG_CONFIG_HOME"),
        of("runtime", app.dirs.runtime(), "XDG_RUNTIME_DIR"),
        of("socket", &socket, "XDG_RUNTIME_DIR"),
        of("agent", &app.agent, ""),
        log,
    ]
}

/// How the next root disk will be made, as far as it is known which monitor will read it.
async fn disk_method(app: &App) -> RootMethod {
    let is_firecracker = app.known_accel() == Known::Kvm && matches!(app.firecracker().await, Ok(Some(_)));
    let monitor = if is_firecracker { Monitor::Firecracker } else { Monitor::Qemu };
    let methods = machine::methods_for(app, monitor).await;
    let can = |method: &RootMethod| match method {
        RootMethod::Reflink => host::capacity::reflink_works(app.dirs.state()).unwrap_or(false),
        RootMethod::Overlay => host::program::find("qemu-img").is_some(),
        RootMethod::Snapshot | RootMethod::Copy => true,
    };
    methods.into_iter().find(can).unwrap_or(RootMethod::Copy)
}
