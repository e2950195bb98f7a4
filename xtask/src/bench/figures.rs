//! What `smoke measure` finds out, with real machines.

use std::{
    io,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use serde::Deserialize;

/// Every figure; times are medians, in microseconds. The types that write it say what each is.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Figures {
    pub(super) run: Run,
    pub(super) exec: Exec,
    pub(super) list: List,
    pub(super) disks: Disks,
    pub(super) copy: Copy,
    pub(super) stage: Stage,
    pub(super) boots: Boots,
}

#[expect(clippy::struct_field_names, reason = "the unit of a figure stands in its name")]
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Run {
    pub(super) total_micros: u64,
    pub(super) boot_micros: u64,
    pub(super) own_micros: u64,
    pub(super) by_hand_micros: u64,
}

#[expect(clippy::struct_field_names, reason = "the unit of a figure stands in its name")]
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Exec {
    pub(super) exec_micros: u64,
    pub(super) echo_micros: u64,
    pub(super) spawn_micros: u64,
}

/// By number of machines.
#[expect(clippy::struct_field_names, reason = "the unit of a figure stands in its name")]
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct List {
    pub(super) list_micros: Vec<(u16, u64)>,
    pub(super) version_micros: u64,
    pub(super) git_micros: u64,
    pub(super) resident_bytes: Vec<(u16, u64)>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Disks {
    pub(super) small_micros: u64,
    pub(super) large_micros: u64,
    pub(super) qemu_img_micros: u64,
    pub(super) small_bytes: u64,
    pub(super) large_bytes: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Copy {
    pub(super) prepare_micros: u64,
    pub(super) archive_micros: u64,
    pub(super) files: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Stage {
    pub(super) ours_micros: u64,
    pub(super) by_hand_micros: u64,
    pub(super) tarball_bytes: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Boots {
    pub(super) tried: u64,
    pub(super) failed: u64,
    pub(super) begun_again: u64,
    pub(super) longest_micros: u64,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum FiguresError {
    #[error("cargo cannot be started")]
    Start { source: io::Error },
    #[error("`smoke measure` failed ({status})")]
    Failed { status: ExitStatus },
    #[error("`smoke measure` wrote something else than figures")]
    Unread { source: serde_json::Error },
}

/// Measures. What it says of its progress goes where ours does.
pub(super) fn measure(root: &Path) -> Result<Figures, FiguresError> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--locked", "--package", "smoke", "--", "measure"]).current_dir(root);
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|source| FiguresError::Start { source })?;
    if !output.status.success() {
        return Err(FiguresError::Failed { status: output.status });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default())
        .map_err(|source| FiguresError::Unread { source })
}
