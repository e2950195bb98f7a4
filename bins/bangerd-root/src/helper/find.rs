//! Finds the monitor that a launch wants: which program that is, root's own configuration says.

use privileged::{Code, Monitor, Refusal};
use vmm::{
    firecracker::{Firecracker, FirecrackerError},
    monitor,
    qemu::Qemu,
};

use crate::{
    refuse::{code, refusal},
    settings::Settings,
    trusted,
};

/// Finds a monitor of this kind, and asks for its version.
pub(super) async fn find_monitor(
    doing: &str,
    kind: Monitor,
    settings: Settings,
) -> Result<monitor::Monitor, Refusal> {
    let said = doing.to_owned();
    let found = tokio::task::spawn_blocking(move || match kind {
        Monitor::Qemu => qemu(&said, &settings).map(monitor::Monitor::Qemu),
        Monitor::Firecracker => firecracker(&said, &settings).map(monitor::Monitor::Firecracker),
    });
    found.await.map_err(|error| refusal(doing, &error, Code::Internal, None))?
}

fn qemu(doing: &str, settings: &Settings) -> Result<Qemu, Refusal> {
    Qemu::find(settings.qemu_bin.as_deref())
        .map_err(|error| refusal(doing, &error, Code::HostLacks, error.hint()))
}

/// Both programs are executed by root, the jailer as root: what others may change is not even asked for its
/// version.
fn firecracker(doing: &str, settings: &Settings) -> Result<Firecracker, Refusal> {
    if !settings.jailer_enabled {
        let message = format!("{doing}: Firecracker runs under its jailer, which is switched off");
        return Err(Refusal::new(Code::HostLacks, message)
            .hinted("Take jailer_enabled out of /etc/banger/config.toml, or set vmm = \"qemu\"."));
    }
    let failed = |error: &FirecrackerError| refusal(doing, error, Code::HostLacks, error.hint());
    let trusted = |program: &std::path::Path| {
        trusted::truly(program).map_err(|error| refusal(doing, &error, code(error.class()), error.hint()))
    };
    let (program, jailer) =
        Firecracker::locate(settings.firecracker_bin.as_deref(), settings.jailer_bin.as_deref())
            .map_err(|error| failed(&error))?;
    Firecracker::ask(trusted(&program)?, trusted(&jailer)?).map_err(|error| failed(&error))
}
