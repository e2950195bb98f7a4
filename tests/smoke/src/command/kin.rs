//! Whose child a process is, as this machine's system tells it.

use std::fs;

/// A field of what the system tells of a process.
pub(crate) fn field(pid: i32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
    status.lines().find_map(value)
}

/// The children of a process.
pub(crate) fn children(pid: i32) -> impl Iterator<Item = i32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(move |child| field(*child, "PPid").is_some_and(|parent| parent == pid.to_string()))
}
