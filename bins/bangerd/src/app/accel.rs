//! What is known of what runs the guests' instructions.

use std::sync::Mutex as StdMutex;

use host::kvm::KvmVerdict;
use tokio::sync::Mutex;

use config::AccelChoice;

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
    pub(crate) probing: Mutex<()>,
}

impl Accel {
    /// Says what is known.
    pub(crate) fn known(&self, choice: AccelChoice) -> Known {
        if choice == AccelChoice::Emulated {
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

    /// Notes what was found out.
    pub(crate) fn note(&self, verdict: &KvmVerdict) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = Some(verdict.clone());
    }
}
