//! Connecting to a unix socket, however long its path.

use std::{io, os::unix::ffi::OsStrExt as _, path::Path, time::Duration};

use rustix::fs::{Mode, OFlags};
use tokio::net::UnixStream;

/// What `sun_path` holds, in bytes, with the zero at its end (unix(7)).
const SUN_PATH_BYTES: usize = 108;

/// How often a full queue of the listener is tried again, and after how long.
const QUEUE_TRIES_MAX: u32 = 100;
const QUEUE_WAIT: Duration = Duration::from_millis(20);

/// Connects to the socket at `path`. A path too long for the system's address is reached through its
/// directory's descriptor.
pub(super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().as_bytes().len() < SUN_PATH_BYTES {
        return connect_short(path).await;
    }
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no path of a socket"));
    };
    let dir = rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let short = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&dir));
    connect_short(&Path::new(&short).join(name)).await
}

/// A listener whose queue is full says `EAGAIN` at once; it means the same as a wait.
async fn connect_short(path: &Path) -> io::Result<UnixStream> {
    for _ in 0..QUEUE_TRIES_MAX {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::time::sleep(QUEUE_WAIT).await,
            done => return done,
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "the daemon's queue stays full"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn paths_of_any_length_are_reached() {
        let home = tempfile::tempdir().unwrap();
        for length in [1, 90, 200] {
            let dir = home.path().join("d".repeat(length));
            std::fs::create_dir(&dir).unwrap();
            let path = dir.join("s");
            let opened = std::fs::File::open(&dir).unwrap();
            let short = format!("/proc/self/fd/{}/s", std::os::fd::AsRawFd::as_raw_fd(&opened));
            let _listener = tokio::net::UnixListener::bind(short).unwrap();
            connect(&path).await.unwrap();
        }
    }
}
