//! Maps of the kernel's device mapper, made and removed by its own tool, `dmsetup(8)`.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::program::{self, ProgramError};

/// The tool.
pub const DMSETUP: &str = "dmsetup";

/// How long one call may take. It takes some 20 ms; removing waits for who looks at every new device.
const LIMIT: Duration = Duration::from_secs(20);

/// A map that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Its name.
    pub name: String,
    /// The numbers of its device.
    pub numbers: (u32, u32),
}

impl Map {
    /// Its device, which the kernel itself makes.
    #[must_use]
    pub fn device(&self) -> PathBuf {
        PathBuf::from(format!("/dev/dm-{}", self.numbers.1))
    }
}

/// When a map goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Now; it fails where somebody has it open.
    Now,
    /// When nobody has it open any more.
    WhenClosed,
}

/// The tool by its path, where the host has it.
#[must_use]
pub fn tool() -> Option<PathBuf> {
    program::find(DMSETUP)
}

/// Makes a map of these lines, as `dmsetup(8)` writes a table: `start length target arguments`, in sectors of 512 bytes.
/// Name and lines hold no comma and no semicolon.
///
/// # Errors
///
/// [`ProgramError`]; it is not there then.
pub fn create(tool: &Path, name: &str, lines: &[String], read_only: bool) -> Result<Map, ProgramError> {
    let mode = if read_only { "ro" } else { "rw" };
    let map = format!("{name},,,{mode},{}", lines.join(","));
    // Nobody waits for udev: the device that is used is the kernel's own.
    run(tool, &["create", "--noudevsync", "--concise", &map])?;
    match numbers(name) {
        Ok(Some(numbers)) => Ok(Map { name: name.to_owned(), numbers }),
        looked => {
            remove(tool, name, Removal::Now)?;
            let source = looked.err().unwrap_or_else(|| io::ErrorKind::NotFound.into());
            Err(ProgramError::Run { program: tool.to_owned(), source })
        }
    }
}

/// Removes a map. Removing what is not there is a success.
///
/// # Errors
///
/// [`ProgramError`]; it is there still.
pub fn remove(tool: &Path, name: &str, when: Removal) -> Result<(), ProgramError> {
    if matches!(numbers(name), Ok(None)) {
        return Ok(());
    }
    let how = match when {
        // Somebody looks at every device that comes.
        Removal::Now => "--retry",
        Removal::WhenClosed => "--deferred",
    };
    match run(tool, &["remove", "--noudevsync", how, name]) {
        // One that was to go once it is closed may have gone between the two looks.
        Err(_) if matches!(numbers(name), Ok(None)) => Ok(()),
        removed => removed,
    }
}

fn run(tool: &Path, words: &[&str]) -> Result<(), ProgramError> {
    let args: Vec<OsString> = words.iter().map(OsString::from).collect();
    program::run(tool, &args, Path::new("/"), LIMIT).map(drop)
}

/// The names of all maps that begin so. Where the kernel has none, none.
#[must_use]
pub fn named(prefix: &str) -> Vec<String> {
    let mut names: Vec<String> =
        all(Path::new("/sys/block")).unwrap_or_default().into_iter().map(|map| map.name).collect();
    names.retain(|name| name.starts_with(prefix));
    names.sort();
    names
}

fn numbers(name: &str) -> io::Result<Option<(u32, u32)>> {
    let found = all(Path::new("/sys/block"))?.into_iter().find(|map| map.name == name);
    Ok(found.map(|map| map.numbers))
}

/// Each says its name and numbers in `/sys/block/dm-<number>` (Documentation/ABI/testing/sysfs-block-dm).
fn all(blocks: &Path) -> io::Result<Vec<Map>> {
    let read = |entry: fs::DirEntry| {
        let name = fs::read_to_string(entry.path().join("dm/name")).ok()?.trim_end().to_owned();
        let text = fs::read_to_string(entry.path().join("dev")).ok()?;
        let (major, minor) = text.trim_end().split_once(':')?;
        Some(Map { name, numbers: (major.parse().ok()?, minor.parse().ok()?) })
    };
    // One that goes meanwhile is not there.
    Ok(fs::read_dir(blocks)?.filter_map(Result::ok).filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_say_who_they_are() {
        let blocks = tempfile::tempdir().unwrap();
        for (dir, name, dev) in [("dm-0", "vg-root\n", "253:0\n"), ("dm-12", "banger-x\n", "253:12\n")] {
            fs::create_dir_all(blocks.path().join(dir).join("dm")).unwrap();
            fs::write(blocks.path().join(dir).join("dm/name"), name).unwrap();
            fs::write(blocks.path().join(dir).join("dev"), dev).unwrap();
        }
        fs::create_dir(blocks.path().join("loop0")).unwrap();
        let mut maps = all(blocks.path()).unwrap();
        maps.sort_by_key(|map| map.numbers);
        let names: Vec<&str> = maps.iter().map(|map| map.name.as_str()).collect();
        assert_eq!(names, ["vg-root", "banger-x"]);
        assert_eq!(maps[1].device(), Path::new("/dev/dm-12"));
    }

    #[test]
    fn removing_what_is_not_there_asks_nobody() {
        remove(Path::new("/nonexistent"), "banger-none", Removal::Now).unwrap();
    }
}
