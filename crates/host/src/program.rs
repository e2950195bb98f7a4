//! Programs on `PATH`, and running those that are soon done.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::{fs::PermissionsExt, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use model::Class;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::MemfdFlags,
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};

/// Where administrators' programs lie, which an ordinary user's `PATH` may leave out.
const ALSO: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Finds a program on this process's `PATH`, then among administrators' programs. `name` with a `/` is
/// a path, and is that file or nothing. Relative directories on `PATH` are skipped.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    find_on(name, env::var_os("PATH").as_deref().unwrap_or_default())
}

/// As [`find`], with the `PATH` given.
#[must_use]
pub fn find_on(name: &str, path: &OsStr) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|file| is_program(file));
    }
    let dirs = env::split_paths(path).filter(|dir| dir.is_absolute());
    dirs.chain(ALSO.map(PathBuf::from)).map(|dir| dir.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// What a program may say before the rest is cut off, in bytes.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024;

/// Why a program did not do what it was run for.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It could not be run.
    #[error("{} cannot be run", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was not done in time, and was killed.
    #[error("{} was not done after {} s", program.display(), limit.as_secs())]
    TooLong {
        /// The program.
        program: PathBuf,
        /// How long it had.
        limit: Duration,
    },
    /// It failed.
    #[error("{} failed: {said}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// What it said, on one line.
        said: String,
    },
}

impl ProgramError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Run { .. } => Class::HostLacks,
            Self::TooLong { .. } | Self::Failed { .. } => Class::Failed,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Run { source, .. } if source.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                Some("It is damaged, or made for another kind of processor.".to_owned())
            }
            Self::Run { program, .. } => {
                Some(format!("Check that {} is there and may be executed.", program.display()))
            }
            Self::TooLong { .. } | Self::Failed { .. } => None,
        }
    }
}

/// As whom a program runs, and what of the environment it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// As this process's user, with an English environment of `PATH` alone.
    Bare,
    /// As this process's user, with all of this process's environment, in English.
    Own,
    /// As another user, with this number and group and no other group; the environment is that of [`Account::Bare`].
    Other {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it said on stdout and stderr, at most 64 KiB.
    pub said: String,
    how: ExitStatus,
}

/// Runs a program that is soon done, in `dir`, with nothing on stdin and an English environment of `PATH`
/// alone. Blocks for at most `limit`. Returns what it said on stdout and stderr, at most 64 KiB.
///
/// # Errors
///
/// [`ProgramError`]; in every case the program has ended.
pub fn run(program: &Path, args: &[OsString], dir: &Path, limit: Duration) -> Result<String, ProgramError> {
    let Ended { said, how, .. } = end(program, args, dir, limit, Account::Bare)?;
    if how.success() {
        return Ok(said);
    }
    let mut words: Vec<&str> = said.split_ascii_whitespace().collect();
    let how = how.to_string();
    if words.is_empty() {
        words.push(&how);
    }
    Err(ProgramError::Failed { program: program.to_owned(), said: words.join(" ") })
}

/// As [`run`], as whom is said, and with every end of the program's own being a success.
///
/// # Errors
///
/// [`ProgramError::Run`], [`ProgramError::TooLong`]; in every case the program has ended.
pub fn end(
    program: &Path,
    args: &[OsString],
    dir: &Path,
    limit: Duration,
    account: Account,
) -> Result<Ended, ProgramError> {
    let cannot = |source| ProgramError::Run { program: program.to_owned(), source };
    let (mut child, mut output) = start(program, args, dir, account).map_err(cannot)?;
    let is_done = wait(&child, limit);
    if !matches!(is_done, Ok(true)) {
        let _gone = child.kill();
    }
    let status = child.wait().map_err(cannot)?;
    if !is_done.map_err(cannot)? {
        return Err(ProgramError::TooLong { program: program.to_owned(), limit });
    }
    let mut said = vec![];
    output.seek(SeekFrom::Start(0)).map_err(cannot)?;
    output.take(OUTPUT_BYTES_MAX).read_to_end(&mut said).map_err(cannot)?;
    let said = String::from_utf8_lossy(&said).into_owned();
    Ok(Ended { code: status.code(), said, how: status })
}

/// What it says goes to memory rather than to a pipe: nobody has to read while it runs.
fn start(program: &Path, args: &[OsString], dir: &Path, account: Account) -> io::Result<(Child, File)> {
    let output = File::from(rustix::fs::memfd_create("output", MemfdFlags::CLOEXEC)?);
    let mut command = Command::new(program);
    if let Account::Other { uid, gid } = account {
        // Root's other groups go with them: the standard library drops them where the user changes.
        command.uid(uid).gid(gid);
    }
    if account != Account::Own {
        command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    }
    let child = command
        .args(args)
        .current_dir(dir)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()?;
    Ok((child, output))
}

fn wait(child: &Child, limit: Duration) -> io::Result<bool> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    let fd = pidfd_open(pid, PidfdFlags::empty())?;
    let limit = Timespec::try_from(limit).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&limit))? > 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_files_that_can_be_executed_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().as_os_str();
        let file = dir.path().join("tool-of-this-test");
        assert_eq!(find_on("tool-of-this-test", path), None);
        fs::write(&file, "").unwrap();
        assert_eq!(find_on("tool-of-this-test", path), None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_on("tool-of-this-test", path), Some(file.clone()));
        assert_eq!(find_on(file.to_str().unwrap(), OsStr::new("")), Some(file));
        assert_eq!(find_on("tool-of-this-test", OsStr::new("")), None);
        assert!(find("sh").is_some());
    }

    fn sh(script: &str, limit: Duration) -> Result<String, ProgramError> {
        run(Path::new("/bin/sh"), &["-c".into(), script.into()], Path::new("/"), limit)
    }

    #[test]
    fn what_a_program_says_and_how_it_ends() {
        let limit = Duration::from_secs(10);
        assert_eq!(sh("pwd; echo $LC_ALL; cat; echo oops >&2", limit).unwrap(), "/\nC\noops\n");
        let error = sh("echo no; echo room >&2; exit 3", limit).unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh failed: no room");
        let error = sh("kill -9 $$", limit).unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh failed: signal: 9 (SIGKILL)");
        let error = run(Path::new("/nowhere/tool"), &[], Path::new("/"), limit).unwrap_err();
        assert_eq!(error.class(), Class::HostLacks);
        // More than a pipe holds, and more than is kept.
        assert_eq!(sh("head -c 1000000 /dev/zero", limit).unwrap().len(), 64 * 1024);
    }

    #[test]
    fn why_a_program_cannot_be_run_decides_what_to_do() {
        let hint = |errno: Errno| {
            let error = ProgramError::Run { program: PathBuf::from("/opt/tool"), source: errno.into() };
            error.hint().unwrap()
        };
        assert_eq!(hint(Errno::NOEXEC), "It is damaged, or made for another kind of processor.");
        for errno in [Errno::ACCESS, Errno::NOENT] {
            assert_eq!(hint(errno), "Check that /opt/tool is there and may be executed.");
        }
    }

    #[test]
    fn one_that_is_never_done_is_killed() {
        let error = sh("exec sleep 600", Duration::from_millis(100)).unwrap_err();
        assert!(matches!(error, ProgramError::TooLong { .. }), "{error}");
    }
}
