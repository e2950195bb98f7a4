//! Sockets that systemd hands in, and what it is told (`sd_listen_fds(3)`, `sd_notify(3)`).

use std::{
    env, fs, io,
    mem::ManuallyDrop,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::{net::UnixListener, process::CommandExt},
    },
    process::Command,
};

use model::Class;
use rustix::{
    io::FdFlags,
    net::{AddressFamily, SocketType, sockopt},
    process::getpid,
};
use sd_notify::NotifyState;

/// The number of the first socket that is handed in (`SD_LISTEN_FDS_START`, `sd_listen_fds(3)`).
pub const FIRST_SOCKET: RawFd = 3;

/// Why what systemd hands in cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ActivationError {
    /// Other threads run, which may be reading the environment.
    #[error("the sockets of systemd are asked for too late")]
    TooLate,
    /// The environment says something that is not understood.
    #[error("the environment does not say which sockets are handed in")]
    Environment {
        /// What is wrong with it.
        source: io::Error,
    },
    /// No socket has this name.
    #[error("systemd handed in no socket {name}")]
    NoSocket {
        /// Which.
        name: String,
    },
    /// What was handed in under this name is something else.
    #[error("what systemd handed in as {name} is no listening unix socket")]
    NotListening {
        /// Which.
        name: String,
    },
}

impl ActivationError {
    /// Whose turn it is.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::TooLate => Class::Bug,
            Self::Environment { .. } | Self::NoSocket { .. } | Self::NotListening { .. } => Class::Refused,
        }
    }

    /// One sentence that tells the user what to do, if there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLate => None,
            Self::Environment { .. } | Self::NoSocket { .. } | Self::NotListening { .. } => {
                Some("Let systemd start it: `sudo banger system restart`.".to_owned())
            }
        }
    }
}

/// What systemd handed in to this process.
#[derive(Debug, Default)]
pub struct Activation {
    sockets: Vec<(String, OwnedFd)>,
}

impl Activation {
    /// Takes what was handed in, and takes the words about it out of the environment, so that nothing
    /// that this process starts believes they are meant for it. Every descriptor closes on exec.
    ///
    /// To be called first, while no other thread runs. Calling it twice takes nothing the second time.
    ///
    /// # Errors
    ///
    /// [`ActivationError::TooLate`] where other threads run; [`ActivationError::Environment`].
    pub fn take() -> Result<Self, ActivationError> {
        if env::var_os("LISTEN_PID").is_none() {
            return Ok(Self::default());
        }
        let environment = |source| ActivationError::Environment { source };
        if fs::read_dir("/proc/self/task").map_err(environment)?.count() != 1 {
            return Err(ActivationError::TooLate);
        }
        let sockets = take_descriptors().map_err(environment)?;
        Ok(Self { sockets })
    }

    /// The listening unix socket of this name (`FileDescriptorName=`), not blocking.
    ///
    /// # Errors
    ///
    /// [`ActivationError::NoSocket`] and [`ActivationError::NotListening`]; in the second case it is closed.
    pub fn listener(&mut self, name: &str) -> Result<UnixListener, ActivationError> {
        let at = self.sockets.iter().position(|(named, _)| named == name);
        let Some(at) = at else {
            return Err(ActivationError::NoSocket { name: name.to_owned() });
        };
        let (name, socket) = self.sockets.swap_remove(at);
        if is_listening(&socket).unwrap_or(false) {
            let listener = UnixListener::from(socket);
            if listener.set_nonblocking(true).is_ok() {
                return Ok(listener);
            }
        }
        Err(ActivationError::NotListening { name })
    }
}

#[expect(unsafe_code, reason = "descriptors come as numbers, and the environment is the whole process's")]
fn take_descriptors() -> io::Result<Vec<(String, OwnedFd)>> {
    // SAFETY: the caller saw that no other thread runs, so nobody reads the environment meanwhile.
    let handed = unsafe { sd_notify::listen_fds_with_names_and_unset_env() }?;
    let adopt = |(fd, name): (RawFd, String)| {
        // SAFETY: it is open, or setting its close-on-exec flag had failed, and it is this process's by the
        // protocol: nothing else in here knows its number, and the words that named it are gone.
        (name, unsafe { OwnedFd::from_raw_fd(fd) })
    };
    Ok(handed.map(adopt).collect())
}

fn is_listening(socket: &OwnedFd) -> rustix::io::Result<bool> {
    Ok(sockopt::socket_domain(socket)? == AddressFamily::UNIX
        && sockopt::socket_type(socket)? == SocketType::STREAM
        && sockopt::socket_acceptconn(socket)?)
}

/// Becomes the program of `command`, which finds `socket` under `name` as if systemd had handed it in
/// ([`Activation::take`]): whoever knocks meanwhile waits in its queue. Everything else that closes on exec is closed.
///
/// Returns only where it could not. The descriptor with the number [`FIRST_SOCKET`] is then the socket, whatever it was
/// before: nothing is left to do but to become another program, or to end.
#[expect(unsafe_code, reason = "a descriptor gets a number that the protocol fixes")]
pub fn become_with_socket(command: &mut Command, name: &str, socket: &UnixListener) -> io::Error {
    command.env("LISTEN_PID", own_pid().to_string()).env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name);
    let hand_in = || -> io::Result<()> {
        // SAFETY: the program goes on only as another one, so that nobody uses what had the number before; and it is
        // never dropped, so that it is open then.
        let first = unsafe { OwnedFd::from_raw_fd(FIRST_SOCKET) };
        let mut first = ManuallyDrop::new(first);
        if socket.as_raw_fd() != FIRST_SOCKET {
            rustix::io::dup2(socket, &mut first)?;
        }
        rustix::io::fcntl_setfd(&*first, FdFlags::empty())?;
        Ok(())
    };
    match hand_in() {
        Ok(()) => command.exec(),
        Err(error) => error,
    }
}

/// What systemd is told of this process. Each is a success where nobody wants to know.
#[derive(Clone, Copy, Debug)]
pub enum Notice<'a> {
    /// It serves: its start is done.
    Ready,
    /// What it is doing, in one line for people.
    Status(&'a str),
    /// It is about to end.
    Stopping,
    /// Which process is the main one from now on.
    MainPid(u32),
}

/// Tells systemd, all of it in one message.
///
/// # Errors
///
/// What the system said, where there is someone to tell and it cannot be told.
pub fn notify(notices: &[Notice<'_>]) -> io::Result<()> {
    let states: Vec<NotifyState<'_>> = notices
        .iter()
        .map(|notice| match notice {
            Notice::Ready => NotifyState::Ready,
            Notice::Status(text) => NotifyState::Status(text),
            Notice::Stopping => NotifyState::Stopping,
            Notice::MainPid(pid) => NotifyState::MainPid(*pid),
        })
        .collect();
    sd_notify::notify(&states)
}

/// Whether systemd started this process and waits for [`Notice::Ready`].
#[must_use]
pub fn is_awaited() -> bool {
    env::var_os("NOTIFY_SOCKET").is_some()
}

/// This process's number, as `$MAINPID` would have it.
#[must_use]
pub fn own_pid() -> u32 {
    getpid().as_raw_nonzero().get().unsigned_abs()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    fn handed(sockets: Vec<(&str, OwnedFd)>) -> Activation {
        Activation { sockets: sockets.into_iter().map(|(name, fd)| (name.to_owned(), fd)).collect() }
    }

    #[test]
    fn a_listener_is_found_by_its_name_once() {
        let dir = tempfile::tempdir().unwrap();
        let one = UnixListener::bind(dir.path().join("one")).unwrap();
        let two = UnixListener::bind(dir.path().join("two")).unwrap();
        let mut activation = handed(vec![("one", one.into()), ("two", two.into())]);
        let two = activation.listener("two").unwrap();
        let _client = UnixStream::connect(dir.path().join("two")).unwrap();
        two.accept().unwrap();
        assert_eq!(two.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let error = activation.listener("two").unwrap_err();
        assert!(matches!(error, ActivationError::NoSocket { .. }), "{error}");
        activation.listener("one").unwrap();
    }

    #[test]
    fn what_does_not_listen_is_refused() {
        let (stream, _other) = UnixStream::pair().unwrap();
        let datagram = UnixDatagram::unbound().unwrap();
        let file = fs::File::open("/dev/null").unwrap();
        let internet = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for fd in
            [OwnedFd::from(stream), OwnedFd::from(datagram), OwnedFd::from(file), OwnedFd::from(internet)]
        {
            let error = handed(vec![("x", fd)]).listener("x").unwrap_err();
            assert!(matches!(error, ActivationError::NotListening { .. }), "{error}");
            assert_eq!(error.class(), Class::Refused);
        }
    }
}
