//! From the initramfs to the image: its root, the agent, its init.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
    process::Command,
};

use rustix::{
    mount::mount_move,
    process::{chdir, chroot, setsid},
};

use super::error::{BootError, Doing};

/// Where the kernel looks for an init, and where distributions have systemd without a link to it.
const INITS: [&str; 5] =
    ["/sbin/init", "/etc/init", "/bin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

const ELF: &[u8] = b"\x7fELF";
const SCRIPT: &[u8] = b"#!";

/// Makes the file system at `root` the root.
pub(super) fn switch_root(root: &str) -> Result<(), BootError> {
    chdir(root)
        .and_then(|()| mount_move(".", "/"))
        .and_then(|()| chroot("."))
        .and_then(|()| chdir("/"))
        .doing("switch to the image's root")
}

/// Starts the agent, in a session of its own and safe from the OOM killer.
pub(super) fn start_agent(init: Option<&str>) -> Result<(), BootError> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("banger-agent").arg("serve").current_dir("/");
    if let Some(init) = init {
        command.args(["--init", init]);
    }
    let prepare = || {
        setsid()?;
        Ok(())
    };
    #[expect(unsafe_code, reason = "between fork and exec; it makes one system call")]
    unsafe {
        command.pre_exec(prepare);
    }
    let agent = command.spawn().doing("start the agent")?;
    fs::write(format!("/proc/{}/oom_score_adj", agent.id()), "-1000").doing("protect the agent")
}

/// Finds an init that can be run.
pub(super) fn find_init() -> Option<&'static str> {
    INITS.into_iter().find(|init| is_usable(Path::new(init)).unwrap_or(false))
}

/// Whether a program can be run: it is there, executable, and what interprets it is there, too.
fn is_usable(program: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(program)?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Ok(false);
    }
    let mut head = vec![];
    File::open(program)?.take(4096).read_to_end(&mut head)?;
    if let Some(line) = head.strip_prefix(SCRIPT) {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        return Ok(line.split_whitespace().next().is_some_and(|shell| Path::new(shell).exists()));
    }
    Ok(head.starts_with(ELF) && interpreter(&head).is_none_or(|loader| Path::new(&loader).exists()))
}

/// Reads the loader that a 64-bit ELF program asks for (`PT_INTERP`); none where it is static.
fn interpreter(head: &[u8]) -> Option<String> {
    const PT_INTERP: u32 = 3;
    let number = |at: usize| head.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let half = |at: usize| head.get(at..at + 2)?.try_into().ok().map(u16::from_le_bytes).map(usize::from);
    let (table, entry_bytes, entries) = (usize::try_from(number(32)?).ok()?, half(54)?, half(56)?);
    (0..entries).map(|entry| table + entry * entry_bytes).find_map(|at| {
        let kind = u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?);
        let (from, len) = (usize::try_from(number(at + 8)?).ok()?, usize::try_from(number(at + 32)?).ok()?);
        let path = (kind == PT_INTERP).then(|| head.get(from..from + len))??;
        Some(String::from_utf8_lossy(path).trim_end_matches('\0').to_owned())
    })
}

/// Becomes the image's init. Returns only if it cannot be run.
pub(super) fn become_init(init: &str) -> BootError {
    let error = Command::new(init).env_clear().env("HOME", "/").env("TERM", "linux").exec();
    BootError::new(format!("run {init}"), crate::words::of(&error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn an_init_that_cannot_be_run_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, content: &[u8], mode: u32| {
            let path = dir.path().join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let shell = fs::read("/bin/sh").unwrap();
        let loader = interpreter(&shell[..4096]).unwrap();
        let mut no_loader = shell.clone();
        let at = shell.windows(loader.len()).position(|window| window == loader.as_bytes()).unwrap();
        no_loader[at + 1] = b'X';
        symlink("nowhere", dir.path().join("dangling")).unwrap();
        for (path, usable) in [
            (put("elf", &shell, 0o755), true),
            (put("not-executable", &shell, 0o644), false),
            (put("no-loader", &no_loader, 0o755), false),
            (put("script", b"#!/bin/sh -e\n", 0o755), true),
            (put("no-shell", b"#!/no/such/shell\n", 0o755), false),
            (put("text", b"hello", 0o755), false),
            (put("empty", b"", 0o755), false),
            (dir.path().join("dangling"), false),
            (dir.path().join("missing"), false),
            (dir.path().to_owned(), false),
        ] {
            assert_eq!(is_usable(&path).unwrap_or(false), usable, "{}", path.display());
        }
    }
}
