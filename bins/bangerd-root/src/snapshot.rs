//! Root disks that the device mapper lays over an image, so that a monitor that reads a disk's bytes alone shares it.
//!
//! ```text
//!   image ── loop, read-only ──┐
//!                              ├─ banger-<id>-base: the image, then zeros ──┐
//!   zeros, as many as it grows ┘                                            ├─ banger-<id>: the root disk
//!   root.cow ── loop ───────────────────────────────────────────────────────┘
//! ```
//!
//! Nothing of it has to be found again after a crash. A loop goes when nothing is over it. Once the monitor has the disk
//! open, both maps are told to go when they are closed: then the monitor's end is theirs. What is left where a launch was
//! cut in between has the machine's name, and goes with the next launch or the machine's end.

use std::{fs::File, io, path::Path, sync::OnceLock};

use host::{
    block::{
        loops::Loop,
        maps::{self, Map, Removal},
    },
    program::ProgramError,
};
use model::{Class, Size, VmId};

/// What the names of all our maps begin with.
const PREFIX: &str = "banger-";
/// What the name of the lower of two maps ends with.
const BASE: &str = "-base";
const SECTOR_BYTES: u64 = 512;
/// A chunk of the store, in sectors.
const CHUNK_SECTORS: u64 = 8;

/// Why there is no such disk.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The host has no tool for it.
    #[error("this host has no {}", maps::DMSETUP)]
    NoTool,
    /// No loop device.
    #[error("a loop device cannot be made")]
    Loop {
        /// What the system said.
        source: io::Error,
    },
    /// No map.
    #[error("a map cannot be made or removed")]
    Map {
        /// What the tool said.
        #[from]
        source: ProgramError,
    },
}

impl SnapshotError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::NoTool => Class::HostLacks,
            Self::Loop { .. } | Self::Map { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::NoTool).then(|| "Install the package dmsetup.".to_owned())
    }
}

/// Lays a store over an image: a disk as long as both, `growth` beyond the image's end. What an earlier launch of the
/// machine left is removed first.
///
/// # Errors
///
/// [`SnapshotError`]; nothing of it is there then.
pub fn make(id: &VmId, image: &File, store: &File, growth: Size) -> Result<Map, SnapshotError> {
    make_named(&name(id), image, store, growth)
}

/// Has a machine's disk go when its monitor has closed it.
///
/// # Errors
///
/// [`SnapshotError::Map`]; it stays until the machine is ended.
pub fn let_go(id: &VmId) -> Result<(), SnapshotError> {
    remove_named(&name(id), Removal::WhenClosed)
}

/// Removes a machine's disk, which nobody has open. Removing what is not there is a success.
///
/// # Errors
///
/// [`SnapshotError::Map`]; some of it may be there still.
pub fn remove(id: &VmId) -> Result<(), SnapshotError> {
    remove_named(&name(id), Removal::Now)
}

/// Every map of ours, with the machine that it is named for.
#[must_use]
pub fn all() -> Vec<(String, Option<VmId>)> {
    let of = |name: &str| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok();
    maps::named(PREFIX).into_iter().map(|name| (name.clone(), of(&name))).collect()
}

/// Whether this host can do it. Only a try tells: one is made in `dir`, once.
pub fn works(dir: &Path) -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| match try_out(dir) {
        Ok(()) => true,
        Err(error) => {
            tracing::info!("root disks are no snapshots here: {}", crate::refuse::chain(&error));
            false
        }
    })
}

fn try_out(dir: &Path) -> Result<(), SnapshotError> {
    let empty = || {
        let file = tempfile_in(dir)?;
        file.set_len(1 << 20)?;
        Ok(file)
    };
    let failed = |source| SnapshotError::Loop { source };
    let name = format!("{PREFIX}trial");
    make_named(&name, &empty().map_err(failed)?, &empty().map_err(failed)?, Size::from_mib(1))?;
    remove_named(&name, Removal::Now)
}

/// A file that has no name, and goes with this process.
fn tempfile_in(dir: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    Ok(openat(CWD, dir, flags, Mode::from_raw_mode(0o600))?.into())
}

fn name(id: &VmId) -> String {
    format!("{PREFIX}{id}")
}

fn make_named(name: &str, image: &File, store: &File, growth: Size) -> Result<Map, SnapshotError> {
    let tool = maps::tool().ok_or(SnapshotError::NoTool)?;
    remove_named(name, Removal::Now)?;
    let made = lay(&tool, name, image, store, growth);
    if made.is_err() {
        // What was to be told is why it could not be made.
        let _gone = remove_named(name, Removal::Now);
    }
    made
}

fn lay(tool: &Path, name: &str, image: &File, store: &File, growth: Size) -> Result<Map, SnapshotError> {
    let looped = |file, read_only| -> io::Result<(Loop, String)> {
        let device = Loop::over(file, read_only)?;
        let (major, minor) = device.numbers()?;
        Ok((device, format!("{major}:{minor}")))
    };
    let failed = |source| SnapshotError::Loop { source };
    // Held until the maps hold them.
    let (_image_loop, image_numbers) = looped(image, true).map_err(failed)?;
    let (_store_loop, store_numbers) = looped(store, false).map_err(failed)?;
    let sectors = image.metadata().map_err(failed)?.len() / SECTOR_BYTES;
    let growth = growth.bytes() / SECTOR_BYTES;
    let base_lines = base_table(sectors, growth, &image_numbers);
    let (major, minor) = maps::create(tool, &format!("{name}{BASE}"), &base_lines, true)?.numbers;
    let all = sectors + growth;
    let line = format!("0 {all} snapshot {major}:{minor} {store_numbers} P {CHUNK_SECTORS}");
    Ok(maps::create(tool, name, &[line], false)?)
}

/// The image, and zeros behind it.
fn base_table(sectors: u64, growth: u64, image: &str) -> Vec<String> {
    let image = format!("0 {sectors} linear {image} 0");
    let zeros = (growth > 0).then(|| format!("{sectors} {growth} zero"));
    std::iter::once(image).chain(zeros).collect()
}

/// The upper one first: it holds the lower.
fn remove_named(name: &str, when: Removal) -> Result<(), SnapshotError> {
    let names = [name.to_owned(), format!("{name}{BASE}")];
    let there = maps::named(name);
    if names.iter().all(|name| !there.contains(name)) {
        return Ok(());
    }
    let tool = maps::tool().ok_or(SnapshotError::NoTool)?;
    names.iter().try_for_each(|name| Ok(maps::remove(&tool, name, when)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_does_not_grow_has_nothing_behind_it() {
        assert_eq!(base_table(2048, 0, "7:3"), ["0 2048 linear 7:3 0"]);
        assert_eq!(base_table(2048, 16, "7:3"), ["0 2048 linear 7:3 0", "2048 16 zero"]);
    }

    /// The kernel of most machines that build this has no device mapper: the kvm host shows that it works.
    #[test]
    fn a_host_that_cannot_do_it_says_so_and_keeps_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let works = works(dir.path());
        assert_eq!(works, try_out(dir.path()).is_ok());
        assert_eq!(all(), []);
        assert_eq!(host::block::loops::idle_over(&[dir.path()]), []);
    }
}
