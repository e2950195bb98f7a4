//! Systems with a systemd of their own, that scenarios do with as they like: a container of this machine, or an
//! emulated computer. Both are started from the same small root.

mod container;
mod lacks;
mod root;
mod state;

use std::path::Path;

use container::Container;
pub(crate) use lacks::lacks;

use crate::command::{Account, Command, Way};

/// Where the images and kernels that scenarios share lie inside; the user `dev` owns them.
const STATE: &str = "/var/lib/smoke-state";

/// Makes what these systems are started from, unless it is there. The caller holds the lock of what is shared.
pub(crate) fn prepare() {
    root::prepare();
    state::prepare();
}

/// A system that a scenario has to itself. All of it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Inside {
    container: Container,
}

impl Inside {
    /// Boots it; what it writes lies below `dir`.
    pub(crate) fn boot(dir: &Path) -> Self {
        Self { container: Container::boot(dir) }
    }

    fn way(&self, account: Account) -> Way {
        self.container.way(account)
    }

    /// A call of a program in it, by its path or a name that is looked for.
    pub(crate) fn command(&self, account: Account, program: &Path) -> Command {
        let (home, path) = match account {
            Account::Root => ("/root", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            Account::Dev => ("/home/dev", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"),
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
        self.container.reboot();
    }

    /// Ends all that runs in it at once, as a power cut does, and starts it again.
    pub(crate) fn power_cut(&self) {
        self.container.power_cut();
    }

    /// Puts the shared images and kernels into the state directory `to` of the user `dev`. They are linked, not
    /// copied.
    pub(crate) fn share(&self, to: &str) {
        let script =
            "set -e; mkdir -p \"$2\"; cp -al \"$1/.\" \"$2/\"; chown dev:dev \"$2\"; chmod 0700 \"$2\"";
        self.command(Account::Root, Path::new("sh")).args(["-c", script, "sh", STATE, to]).run().ok();
    }

    /// Runs `work` on a thread that is in its network.
    pub(crate) fn in_its_network<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.container.in_its_network(work)
    }

    /// Runs `work` on a thread that is in the network outside it.
    pub(crate) fn in_network_outside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.container.in_network_outside(work)
    }
}
