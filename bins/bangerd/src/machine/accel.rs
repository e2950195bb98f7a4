//! What runs the guests' instructions: KVM where a boot proved it, emulation elsewhere.

use std::{path::Path, sync::Mutex as StdMutex};

use api::{Code, Failure};
use host::kvm::{KvmKey, KvmVerdict};
use image::KernelRecord;
use tokio::sync::Mutex;
use vm::boot_plan;
use vmm::{probe::Probe, qemu::Qemu};

use super::prepare::default_kernel;
use crate::{
    app::App,
    config::AccelChoice,
    failure::{Explained, failure},
    operations::Operation,
};

/// What is known before a machine is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A boot with KVM worked.
    Kvm,
    /// Guests are emulated.
    Emulated {
        /// Why.
        why: String,
    },
    /// The first start of a machine tells.
    Unknown,
}

impl Known {
    /// The word that `info` shows.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Emulated { .. } => "emulated",
            Self::Unknown => "unknown",
        }
    }

    /// Why it is so, in a line.
    pub(crate) fn why(&self) -> String {
        match self {
            Self::Kvm => "a kernel was booted with it".to_owned(),
            Self::Emulated { why } => why.clone(),
            Self::Unknown => "/dev/kvm opens; the first start of a machine tries it".to_owned(),
        }
    }
}

/// What was found out.
#[derive(Debug, Default)]
pub(crate) struct Accel {
    last: StdMutex<Option<KvmVerdict>>,
    /// Held while a probe boot runs: one tells for all that wait.
    probing: Mutex<()>,
}

impl Accel {
    /// Says what is known.
    pub(crate) fn known(&self, app: &App) -> Known {
        if app.config.accel() == AccelChoice::Emulated {
            return Known::Emulated { why: "the configuration says so".to_owned() };
        }
        if let Some(why) = host::kvm::obstacle() {
            return Known::Emulated { why };
        }
        let last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*last {
            Some(KvmVerdict::Usable) => Known::Kvm,
            Some(KvmVerdict::NotUsable { why }) => Known::Emulated { why: why.clone() },
            None => Known::Unknown,
        }
    }

    /// Whether defaults are those for emulation. What is not known yet counts as emulated.
    pub(crate) fn is_emulated(&self, app: &App) -> bool {
        self.known(app) != Known::Kvm
    }

    fn note(&self, verdict: &KvmVerdict) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = Some(verdict.clone());
    }
}

/// Reads what a record says of its accelerator.
pub(super) fn read(word: Option<&str>) -> boot_plan::Accel {
    match word {
        Some("kvm") => boot_plan::Accel::Kvm,
        _ => boot_plan::Accel::Emulated,
    }
}

/// Says what is to run a kernel's guests, and finds it out by a boot where nobody has yet.
///
/// # Errors
///
/// [`Code::HostLacks`] where the configuration wants KVM alone, and it does not work.
pub(super) async fn decide(
    app: &App,
    operation: &Operation,
    kernel: &KernelRecord,
    qemu: &Qemu,
    initramfs: &Path,
) -> Result<boot_plan::Accel, Failure> {
    if app.config.accel() == AccelChoice::Emulated {
        return Ok(boot_plan::Accel::Emulated);
    }
    let _turn = app.accel.probing.lock().await;
    if app.accel.known(app) == Known::Unknown {
        operation.stage("find out whether KVM works");
    }
    let probe = Probe {
        state_dir: app.dirs.state(),
        qemu,
        kernel: kernel.for_qemu(),
        digest: kernel.digest,
        initramfs,
        host_boot: &app.host_boot,
    };
    let verdict = operation.unless_cancelled(async { Ok(vmm::probe::verdict(&probe).await) }).await?;
    app.accel.note(&verdict);
    match verdict {
        KvmVerdict::Usable => Ok(boot_plan::Accel::Kvm),
        KvmVerdict::NotUsable { why } if app.config.accel() == AccelChoice::Kvm => {
            Err(failure(Code::HostLacks, format!("use KVM: {why}"))
                .hinted("Take `accel` out of config.toml to emulate where KVM does not work."))
        }
        KvmVerdict::NotUsable { .. } => Ok(boot_plan::Accel::Emulated),
    }
}

/// Looks up what an earlier daemon found out about the default kernel in this boot of the host.
pub(super) async fn recall(app: &App) {
    let qemu = crate::monitor::find(app).await;
    let kernel = default_kernel(app).ok().flatten();
    let kernel = kernel.and_then(|name| app.library.kernels.get(&name).ok());
    if let (Ok(Ok(qemu)), Some(kernel)) = (qemu, kernel) {
        let key = KvmKey { host_boot: app.host_boot.clone(), kernel: kernel.digest, monitor: qemu.name() };
        if let Some(verdict) = host::kvm::recall(app.dirs.state(), &key) {
            app.accel.note(&verdict);
        }
    }
}
