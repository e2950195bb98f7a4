//! The system calls that change a file, a link, a process or a peer.

use std::{
    fmt, fs,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use nix::{
    libc::{O_CREAT, O_TRUNC, user_regs_struct},
    unistd::Pid,
};
use syscalls::Sysno;

/// The longest path that is read.
const PATH_MAX: usize = 4096;

/// A call, told so that the same one of another run is told alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    name: &'static str,
    what: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.what)
    }
}

/// Which argument says what a call changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Path(usize),
    Descriptor(usize),
    Process,
}

impl Call {
    /// What a thread that enters a call is about to change.
    pub(super) fn read(pid: Pid, registers: &user_regs_struct) -> Option<Self> {
        let call = Sysno::new(usize::try_from(registers.orig_rax).ok()?)?;
        let arguments = [registers.rdi, registers.rsi, registers.rdx, registers.r10];
        let what = match object(call, &arguments)? {
            Object::Path(at) => kind_of(&path(pid, arguments[at])?),
            Object::Descriptor(at) => {
                let name = format!("/proc/{pid}/fd/{}", arguments[at]);
                let target = fs::read_link(name).ok()?;
                match target.to_str().unwrap_or_default() {
                    socket if socket.starts_with("socket:") => "a socket".to_owned(),
                    file if file.starts_with('/') && !file.starts_with("/dev/") => kind_of(&target),
                    // Pipes and terminals: what goes there is words.
                    _ => return None,
                }
            }
            Object::Process => "a process".to_owned(),
        };
        Some(Self { name: call.name(), what })
    }
}

/// The calls whose object is a path, and which argument that is.
const BY_PATH: [(Sysno, usize); 15] = [
    (Sysno::unlink, 0),
    (Sysno::rmdir, 0),
    (Sysno::mkdir, 0),
    (Sysno::chmod, 0),
    (Sysno::execve, 0),
    (Sysno::rename, 1),
    (Sysno::link, 1),
    (Sysno::symlink, 1),
    (Sysno::unlinkat, 1),
    (Sysno::mkdirat, 1),
    (Sysno::fchmodat, 1),
    (Sysno::symlinkat, 2),
    (Sysno::renameat, 3),
    (Sysno::renameat2, 3),
    (Sysno::linkat, 3),
];

/// The calls whose object is a descriptor, and which argument that is.
const BY_DESCRIPTOR: [(Sysno, usize); 15] = [
    (Sysno::write, 0),
    (Sysno::writev, 0),
    (Sysno::pwrite64, 0),
    (Sysno::ftruncate, 0),
    (Sysno::fallocate, 0),
    (Sysno::fsync, 0),
    (Sysno::fdatasync, 0),
    (Sysno::flock, 0),
    (Sysno::fchmod, 0),
    (Sysno::fchown, 0),
    (Sysno::connect, 0),
    (Sysno::sendto, 0),
    (Sysno::sendmsg, 0),
    (Sysno::sendfile, 0),
    (Sysno::copy_file_range, 2),
];

fn object(call: Sysno, arguments: &[u64; 4]) -> Option<Object> {
    let creates = |flags: u64| flags & u64::from((O_CREAT | O_TRUNC).cast_unsigned()) != 0;
    let find = |table: &[(Sysno, usize)]| table.iter().find(|(each, _)| *each == call).map(|(_, at)| *at);
    match call {
        Sysno::open => creates(arguments[1]).then_some(Object::Path(0)),
        Sysno::openat => creates(arguments[2]).then_some(Object::Path(1)),
        Sysno::kill | Sysno::pidfd_send_signal => Some(Object::Process),
        _ => find(&BY_PATH).map(Object::Path).or_else(|| find(&BY_DESCRIPTOR).map(Object::Descriptor)),
    }
}

/// A path in the memory of a thread.
fn path(pid: Pid, address: u64) -> Option<PathBuf> {
    let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut bytes = vec![0; PATH_MAX];
    let length = memory.read_at(&mut bytes, address).ok()?;
    let end = bytes[..length].iter().position(|byte| *byte == 0)?;
    Some(PathBuf::from(String::from_utf8_lossy(&bytes[..end]).into_owned()))
}

/// Its last two names, without what chance gave them.
fn kind_of(path: &Path) -> String {
    let names: Vec<String> = path.iter().map(|name| without_chance(&name.to_string_lossy())).collect();
    names[names.len().saturating_sub(2)..].join("/")
}

/// A name with a star for what is a number, an identifier or a random word in it.
fn without_chance(name: &str) -> String {
    let is_chance = |word: &str| {
        let is_hex = word.chars().all(|char| char.is_ascii_hexdigit());
        (word.len() >= 3 && word.chars().all(|char| char.is_ascii_digit()))
            || (word.len() >= 8 && is_hex)
            || word.starts_with("tmp")
    };
    let words = name.split('.').map(|word| if is_chance(word) { "*" } else { word });
    words.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_by_its_kind() {
        for (path, kind) in [
            ("/home/dev/update/journal", "update/journal"),
            ("releases/v0.1.1.partial/bangerd", "v0.1.1.partial/bangerd"),
            ("/run/.tmpX81bz", "run/.*"),
            ("state.db-wal", "state.db-wal"),
            ("vms/0123456789ab", "vms/*"),
            ("/proc/4711/fd", "*/fd"),
        ] {
            assert_eq!(kind_of(Path::new(path)), kind);
        }
    }
}
