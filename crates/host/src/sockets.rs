//! Unix sockets below paths of any length.
//!
//! A socket's path has room for 108 bytes (unix(7)). So the directory is opened, and the socket is named
//! `/proc/self/fd/<directory>/<name>`, which is short whatever the directory's path.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{
            fs::OpenOptionsExt,
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
};

use model::Class;
use rustix::{
    fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, fchmod, flock, statat, unlinkat},
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind as bind_to, listen, socket_with,
        sockopt::socket_peercred,
    },
};

use crate::process::Process;

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 1024;

/// Why a socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// A living process listens there.
    #[error("{} is in use", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// Something else has its name.
    #[error("{} is no socket", path.display())]
    NotASocket {
        /// What has its name.
        path: PathBuf,
    },
    /// Nobody listens there.
    #[error("nobody answers at {}", path.display())]
    NobodyThere {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused.
    #[error("{} cannot be used", path.display())]
    Unusable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl SocketError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::InUse { .. } | Self::Unusable { .. } => Class::Failed,
            Self::NotASocket { .. } => Class::Refused,
            Self::NobodyThere { .. } => Class::Unreachable,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotASocket { path } => Some(format!("Move {} out of the way.", path.display())),
            Self::InUse { .. } | Self::NobodyThere { .. } | Self::Unusable { .. } => None,
        }
    }
}

/// Listens on the socket `name` in `dir`, mode 0600 from its first moment, not blocking. A socket that
/// nobody listens on any more is replaced; one that somebody does is not.
///
/// Two that bind at the same time do so one after the other, so at most one of them succeeds.
///
/// # Errors
///
/// [`SocketError::InUse`], [`SocketError::NotASocket`], [`SocketError::Unusable`]; what was there is then
/// there still.
pub fn bind(dir: &Path, name: &str) -> Result<UnixListener, SocketError> {
    let path = dir.join(name);
    let unusable = |source: io::Error| SocketError::Unusable { path: path.clone(), source };
    let dir = open(dir).map_err(unusable)?;
    // Held until it listens: a socket that is bound and does not listen yet looks dead.
    flock(&dir, FlockOperation::LockExclusive).map_err(|errno| unusable(errno.into()))?;
    remove_dead(&dir, name, &path)?;
    listen_at(&dir, name).map_err(unusable)
}

/// Connects to the socket `name` in `dir`; the stream blocks.
///
/// # Errors
///
/// [`SocketError::NobodyThere`] where there is no socket or nobody listens on it.
pub fn connect(dir: &Path, name: &str) -> Result<UnixStream, SocketError> {
    let path = dir.join(name);
    open(dir).and_then(|dir| UnixStream::connect(short(&dir, name))).map_err(|source| refused(path, source))
}

/// As [`connect`], for a task.
///
/// # Errors
///
/// As [`connect`].
pub async fn connect_async(dir: &Path, name: &str) -> Result<tokio::net::UnixStream, SocketError> {
    let path = dir.join(name);
    let dir = match open(dir) {
        Ok(dir) => dir,
        Err(source) => return Err(refused(path, source)),
    };
    tokio::net::UnixStream::connect(short(&dir, name)).await.map_err(|source| refused(path, source))
}

/// The process that listens on the socket `name` in `dir`, whether it answers or not; `None` where nobody does, or where it
/// is another user's.
///
/// A process that became another program is still the one that listens.
///
/// # Errors
///
/// [`SocketError::Unusable`] where that cannot be told.
pub fn listener(dir: &Path, name: &str) -> Result<Option<Process>, SocketError> {
    let path = dir.join(name);
    let unusable = |source: io::Error| SocketError::Unusable { path: path.clone(), source };
    let dir = match open(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        dir => dir.map_err(unusable)?,
    };
    let socket = new_socket().map_err(|errno| unusable(errno.into()))?;
    let address = SocketAddrUnix::new(short(&dir, name)).map_err(|errno| unusable(errno.into()))?;
    match rustix::net::connect(&socket, &address) {
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::CONNREFUSED) => return Ok(None),
        connected => connected.map_err(|errno| unusable(errno.into()))?,
    }
    let peer = socket_peercred(&socket).map_err(|errno| unusable(errno.into()))?;
    if peer.uid != rustix::process::geteuid() {
        return Ok(None);
    }
    let pid = u32::try_from(peer.pid.as_raw_pid()).unwrap_or_default();
    Process::open(pid).map_err(|error| unusable(io::Error::other(error)))
}

/// Removes the socket `name` in `dir` where nobody listens on it. Removing what is not there is a success.
///
/// # Errors
///
/// [`SocketError::InUse`], [`SocketError::NotASocket`], [`SocketError::Unusable`]; it is then there still.
pub fn remove(dir: &Path, name: &str) -> Result<(), SocketError> {
    let path = dir.join(name);
    match open(dir) {
        Ok(dir) => remove_dead(&dir, name, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(SocketError::Unusable { path, source }),
    }
}

fn open(dir: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::DIRECTORY.bits()).unwrap_or(0);
    File::options().read(true).custom_flags(flags).open(dir)
}

fn short(dir: &File, name: &str) -> PathBuf {
    Path::new("/proc/self/fd").join(dir.as_raw_fd().to_string()).join(name)
}

fn refused(path: PathBuf, source: io::Error) -> SocketError {
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            SocketError::NobodyThere { path, source }
        }
        _ => SocketError::Unusable { path, source },
    }
}

fn remove_dead(dir: &File, name: &str, path: &Path) -> Result<(), SocketError> {
    let unusable = |source: io::Error| SocketError::Unusable { path: path.to_owned(), source };
    let found = match statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(unusable(errno.into())),
    };
    if FileType::from_raw_mode(found.st_mode) != FileType::Socket {
        return Err(SocketError::NotASocket { path: path.to_owned() });
    }
    match try_connect(dir, name) {
        // A full queue is somebody's too.
        Ok(()) | Err(rustix::io::Errno::AGAIN) => Err(SocketError::InUse { path: path.to_owned() }),
        Err(rustix::io::Errno::CONNREFUSED) => match unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(errno) => Err(unusable(errno.into())),
        },
        Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(errno) => Err(unusable(errno.into())),
    }
}

fn try_connect(dir: &File, name: &str) -> rustix::io::Result<()> {
    let socket = new_socket()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(short(dir, name))?)
}

fn new_socket() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

fn listen_at(dir: &File, name: &str) -> io::Result<UnixListener> {
    let socket = new_socket()?;
    // The file that bind makes takes over the socket's own mode, so it is never wider than this. The
    // umask belongs to the whole process and other threads rely on it.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind_to(&socket, &SocketAddrUnix::new(short(dir, name))?)?;
    if let Err(errno) = listen(&socket, BACKLOG) {
        let _gone = unlinkat(dir, name, AtFlags::empty());
        return Err(errno.into());
    }
    Ok(UnixListener::from(socket))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read, Write},
        os::unix::fs::MetadataExt,
    };

    use super::*;

    #[test]
    fn a_path_of_300_characters_works() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(150)).join("d".repeat(150));
        fs::create_dir_all(&deep).unwrap();
        let listener = bind(&deep, "x.sock").unwrap();
        let mut client = connect(&deep, "x.sock").unwrap();
        listener.set_nonblocking(false).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"hello").unwrap();
        drop(client);
        let mut said = String::new();
        server.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");
        assert_eq!(fs::symlink_metadata(deep.join("x.sock")).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_living_socket_stays_and_a_dead_one_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let first = bind(dir.path(), "x.sock").unwrap();
        assert!(matches!(bind(dir.path(), "x.sock"), Err(SocketError::InUse { .. })));
        assert!(matches!(remove(dir.path(), "x.sock"), Err(SocketError::InUse { .. })));
        assert!(connect(dir.path(), "x.sock").is_ok());
        assert_eq!(listener(dir.path(), "x.sock").unwrap().unwrap().id().pid, std::process::id());
        drop(first);
        assert!(listener(dir.path(), "x.sock").unwrap().is_none());
        assert!(listener(dir.path(), "y.sock").unwrap().is_none());
        let error = connect(dir.path(), "x.sock").unwrap_err();
        assert_eq!(error.class(), Class::Unreachable);
        let second = bind(dir.path(), "x.sock").unwrap();
        assert!(connect(dir.path(), "x.sock").is_ok());
        drop(second);
        remove(dir.path(), "x.sock").unwrap();
        remove(dir.path(), "x.sock").unwrap();
        remove(&dir.path().join("missing"), "x.sock").unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_no_socket_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.sock");
        fs::write(&file, "kept").unwrap();
        assert!(matches!(bind(dir.path(), "x.sock"), Err(SocketError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
        fs::remove_file(&file).unwrap();

        std::os::unix::fs::symlink("elsewhere", &file).unwrap();
        assert!(matches!(bind(dir.path(), "x.sock"), Err(SocketError::NotASocket { .. })));
        assert!(!dir.path().join("elsewhere").exists());
    }

    #[test]
    fn of_many_that_bind_at_once_one_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        drop(bind(dir.path(), "x.sock").unwrap());
        let bound: Vec<UnixListener> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| bind(dir.path(), "x.sock").ok())).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(bound.len(), 1);
        assert!(connect(dir.path(), "x.sock").is_ok());
    }

    #[tokio::test]
    async fn a_task_connects_too() {
        let dir = tempfile::tempdir().unwrap();
        let error = connect_async(dir.path(), "x.sock").await.unwrap_err();
        assert!(matches!(error, SocketError::NobodyThere { .. }), "{error}");
        let _listener = bind(dir.path(), "x.sock").unwrap();
        assert!(connect_async(dir.path(), "x.sock").await.is_ok());
    }
}
