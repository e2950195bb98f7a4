//! What of a home is still there: processes, sockets, files of machines.

use std::{
    fmt, fs,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt},
    path::{Path, PathBuf},
};

/// A process that has to do with a home.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its number.
    pub pid: i32,
    /// What shows it: `cmdline`, `environ`, `cwd`, `fd`.
    pub by: &'static str,
    /// Its command line.
    pub line: String,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (by its {}): {}", self.pid, self.by, self.line)
    }
}

/// Finds the processes, besides this one, whose command line, environment, directory or open files name `dir`.
#[must_use]
pub fn processes(dir: &Path) -> Vec<Trace> {
    let own = std::process::id().to_string();
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        if name == own { None } else { name.parse().ok() }
    });
    numbers.filter_map(|pid| look_at(pid, dir)).collect()
}

fn look_at(pid: i32, dir: &Path) -> Option<Trace> {
    let proc = PathBuf::from(format!("/proc/{pid}"));
    let read = |name: &str| fs::read(proc.join(name)).unwrap_or_default();
    let cmdline = read("cmdline");
    if cmdline.is_empty() {
        // A thread of the kernel, or a process that is gone but for its parent's knowing.
        return None;
    }
    let links = |name: &str| fs::read_link(proc.join(name)).is_ok_and(|target| target.starts_with(dir));
    let fds = || fs::read_dir(proc.join("fd")).into_iter().flatten().flatten();
    let by = if holds(&cmdline, dir) {
        "cmdline"
    } else if holds(&read("environ"), dir) {
        "environ"
    } else if links("cwd") {
        "cwd"
    } else if fds().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.starts_with(dir))) {
        "fd"
    } else {
        return None;
    };
    let line = String::from_utf8_lossy(&cmdline).replace('\0', " ").trim().to_owned();
    Some(Trace { pid, by, line })
}

fn holds(bytes: &[u8], dir: &Path) -> bool {
    let wanted = dir.as_os_str().as_bytes();
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Lists the sockets below `dir`, and everything below its `vms` directories.
#[must_use]
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (vec![], vec![dir.to_owned()]);
    while let Some(at) = todo.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let is_machine = at.file_name().is_some_and(|name| name == "vms");
            if kind.is_socket() || is_machine {
                found.push(entry.path());
            } else if kind.is_dir() {
                todo.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, process::Command, time::Duration};

    use super::*;
    use crate::wait::wait_for;

    #[test]
    fn a_process_is_found_by_each_of_its_traces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap();
        let file = fs::File::create(path.join("file")).unwrap();
        let sleep = || {
            let mut command = Command::new("sleep");
            command.arg("600").env_clear();
            command
        };
        let (mut by_environ, mut by_cwd, mut by_fd) = (sleep(), sleep(), sleep());
        by_environ.env("HOME", &path);
        by_cwd.current_dir(&path);
        by_fd.stdin(file);
        for (by, mut command) in [("environ", by_environ), ("cwd", by_cwd), ("fd", by_fd)] {
            let mut child = command.spawn().unwrap();
            // The descriptor given to the child is this process's too until now.
            drop(command);
            wait_for(by, Duration::from_secs(10), || {
                processes(&path).iter().any(|found| found.by == by && found.pid == child.id().cast_signed())
            });
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(processes(&path).len(), 0, "{by}");
        }
    }

    #[test]
    fn sockets_and_machines_are_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("state/banger/vms")).unwrap();
        fs::write(dir.path().join("state/banger/state.db"), "").unwrap();
        assert_eq!(files(dir.path()), [""; 0].map(PathBuf::from));
        fs::create_dir(dir.path().join("state/banger/vms/0123")).unwrap();
        let _socket = UnixListener::bind(dir.path().join("a.sock")).unwrap();
        assert_eq!(files(dir.path()).len(), 2);
    }
}
