//! Systems with a systemd of their own, that scenarios do with as they like: a container of this machine, or an
//! emulated computer. Both are started from the same small root.

mod computer;
mod container;
mod disk;
mod lacks;
mod root;
mod state;

use std::{
    env, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use computer::Computer;
use container::Container;
pub(crate) use lacks::lacks;

use crate::command::{Account, Command, Way};

/// Where the images and kernels that scenarios share lie inside; the user `dev` owns them.
const STATE: &str = "/var/lib/smoke-state";

/// The home of the user `dev`.
pub(crate) const DEV_HOME: &str = "/home/dev";

/// What such a system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A container: the host *service*.
    Container,
    /// An emulated computer: the host *kvm*.
    Computer,
}

impl Kind {
    /// The kind that `BANGER_SMOKE_HOST` asks for.
    pub(crate) fn asked_for() -> Self {
        match env::var("BANGER_SMOKE_HOST").as_deref() {
            Ok("kvm") => Self::Computer,
            _ => Self::Container,
        }
    }

    /// What `tests/skips.toml` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Container => "service",
            Self::Computer => "kvm",
        }
    }
}

/// Makes what these systems are started from, unless it is there. The caller holds the lock of what is shared.
pub(crate) fn prepare(kind: Kind) {
    match kind {
        Kind::Container => container::prepare(),
        Kind::Computer => disk::prepare(),
    }
}

/// A system that a scenario has to itself. All of it goes when this is dropped.
#[derive(Debug)]
pub(crate) enum Inside {
    /// A container.
    Container(Container),
    /// An emulated computer.
    Computer(Computer),
}

impl Inside {
    /// Boots it; what it writes lies below `dir`.
    pub(crate) fn boot(kind: Kind, dir: &Path) -> Self {
        match kind {
            Kind::Container => Self::Container(Container::boot(dir)),
            Kind::Computer => Self::Computer(Computer::boot(dir)),
        }
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Container(_) => Kind::Container,
            Self::Computer(_) => Kind::Computer,
        }
    }

    fn way(&self, account: Account) -> Way {
        match self {
            Self::Container(container) => container.way(account),
            Self::Computer(computer) => computer.way(account),
        }
    }

    /// A call of a program in it, by its path or a name that is looked for.
    pub(crate) fn command(&self, account: Account, program: &Path) -> Command {
        let (home, path) = match account {
            Account::Root => ("/root", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            Account::Dev => (DEV_HOME, "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"),
        };
        let envs = [
            ("HOME", home),
            // What is installed goes before what is only there.
            ("PATH", &format!("{path}:/opt/banger")),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
            ("USER", account.name()),
            ("LOGNAME", account.name()),
        ];
        let envs = envs.map(|(key, value)| (key.into(), value.into()));
        Command::through(self.way(account), program.into(), home.into(), &envs)
    }

    /// Asks it to reboot, and waits until it is up again.
    pub(crate) fn reboot(&self) {
        match self {
            Self::Container(container) => container.reboot(),
            Self::Computer(computer) => computer.reboot(),
        }
    }

    /// Ends all that runs in it at once, as a power cut does, and starts it again.
    pub(crate) fn power_cut(&self) {
        match self {
            Self::Container(container) => container.power_cut(),
            Self::Computer(computer) => computer.power_cut(),
        }
    }

    /// Waits until it is up, where something in it may have taken it down.
    pub(crate) fn come_up(&self) {
        match self {
            Self::Container(container) => container.come_up(),
            Self::Computer(computer) => computer.come_up(),
        }
    }

    /// Puts the shared images and kernels into the state directory `to` of the user `dev`. They are linked, not
    /// copied.
    pub(crate) fn share(&self, to: &str) {
        let script =
            "set -e; mkdir -p \"$2\"; cp -alf \"$1/.\" \"$2/\"; chown dev:dev \"$2\"; chmod 0700 \"$2\"";
        self.command(Account::Root, Path::new("sh")).args(["-c", script, "sh", STATE, to]).run().ok();
    }

    /// Listens on its loopback, at a port that is free there and here.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        match self {
            Self::Container(container) => container.in_its_network(bind),
            Self::Computer(computer) => {
                let listener = bind()?;
                computer.forward(listener.local_addr()?.port());
                Ok(listener)
            }
        }
    }

    /// The container that it is.
    #[track_caller]
    pub(crate) fn container(&self) -> &Container {
        match self {
            Self::Container(container) => container,
            Self::Computer(_) => panic!("the networks of an emulated computer are its own"),
        }
    }
}
