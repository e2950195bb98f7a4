//! What the host has: processors, memory, and what its file systems can do.

use std::{
    fs::{self, File},
    io,
    num::NonZeroUsize,
    path::Path,
};

use model::Size;
use rustix::fs::{Mode, OFlags, ioctl_ficlone};

/// What the host has for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Processors that this process may use.
    pub cores: usize,
    /// Memory that this process and its like may use: the host's, or less where a control group bounds it.
    pub memory: Size,
    /// Memory that is free or can be freed at once.
    pub memory_available: Size,
}

/// Reads what the host has. What cannot be read counts as one processor and no memory.
#[must_use]
pub fn read() -> Capacity {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo(&info, "MemTotal").unwrap_or_default();
    let bound = memory_bound().unwrap_or(total).min(total);
    Capacity {
        cores: std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        memory: bound,
        memory_available: meminfo(&info, "MemAvailable").unwrap_or_default().min(bound),
    }
}

fn meminfo(info: &str, key: &str) -> Option<Size> {
    let line = info.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Size::from_bytes(kib.saturating_mul(1024)))
}

/// The least `memory.max` of this process's control group and its parents (cgroup v2).
fn memory_bound() -> Option<Size> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mount = Path::new("/sys/fs/cgroup");
    let group = mount.join(path);
    let bounds = group.ancestors().take_while(|dir| dir.starts_with(mount)).filter_map(|dir| {
        let text = fs::read_to_string(dir.join("memory.max")).ok()?;
        text.trim().parse().ok().map(Size::from_bytes)
    });
    bounds.min()
}

/// Says how much an unprivileged process can still write below `dir`.
///
/// # Errors
///
/// The system's, where `dir` is not there.
pub fn free_room(dir: &Path) -> io::Result<Size> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(Size::from_bytes(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

/// Says whether files in `dir` can share their blocks (`FICLONE`), by sharing one's.
///
/// # Errors
///
/// The system's, where a file cannot be made in `dir`. Nothing is left there.
pub fn reflink_works(dir: &Path) -> io::Result<bool> {
    // Neither file has a name, so neither can be left behind.
    let nameless = || -> io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::open(dir, flags, Mode::RUSR | Mode::WUSR)?))
    };
    let (from, to) = match (nameless(), nameless()) {
        (Ok(from), Ok(to)) => (from, to),
        // A file system without nameless files has no shared blocks either.
        (Err(error), _) | (_, Err(error)) if error.raw_os_error() == Some(libc::EOPNOTSUPP) => {
            return Ok(false);
        }
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    io::Write::write_all(&mut &from, &[1; 4096])?;
    Ok(ioctl_ficlone(&to, &from).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_has_something() {
        let capacity = read();
        assert!(capacity.cores > 0 && capacity.memory_available.bytes() > 0, "{capacity:?}");
        assert!(capacity.memory >= capacity.memory_available, "{capacity:?}");
    }

    #[test]
    fn memory_is_read_in_kib() {
        let info = "MemTotal:       24689988 kB\nMemAvailable:  100 kB\n";
        assert_eq!(meminfo(info, "MemTotal"), Some(Size::from_bytes(24_689_988 * 1024)));
        assert_eq!(meminfo(info, "Mem"), None);
        assert_eq!(meminfo("MemTotal: many\n", "MemTotal"), None);
    }

    #[test]
    fn asking_about_a_file_system_leaves_nothing_there() {
        let dir = tempfile::tempdir().unwrap();
        // Which answer is right depends on where the temporary directory lies.
        let _answer = reflink_works(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(free_room(dir.path()).unwrap().bytes() > 0);
        assert!(reflink_works(&dir.path().join("missing")).is_err());
    }
}
