//! What a host has that has a systemd of its own.

mod outside;
mod owned;
mod releases;
mod traces;

use std::{path::Path, time::Duration};

pub use outside::Outside;
pub use releases::{FIRST, NEXT, NEXT_BUILT_AT, NEXT_COMMIT, Releases, build_next, script};
pub use traces::Traces;

use crate::{
    Host,
    command::{Account, Command},
    inside::Kind,
    wait::wait_until,
};

/// Where a system install has its images, its kernels and its machines.
const SYSTEM_STATE: &str = "/var/lib/banger";

/// Where the user `dev` has them otherwise.
const OWN_STATE: &str = "/home/dev/.local/state/banger";

/// How long what belongs to a machine may take to be gone.
const GONE_LIMIT: Duration = Duration::from_secs(20);

/// Tells what of machines is there, a line each: processes, interfaces, units, files.
const MACHINES: &str = "ps -eo pid,args --no-headers | grep -E '[q]emu-system|[f]irecracker|[b]anger-vsock-agent'
    ip -brief link show | grep -E '^bgr-'
    systemctl list-units --all --plain --no-legend 'banger-vm-*' 'banger-link-*'
    for dir in /var/lib/banger/vms /var/lib/banger-root/machines /run/banger-vm /home/dev/.local/state/banger/vms; do
        [ ! -d $dir ] || find $dir -mindepth 1 -maxdepth 1
    done
    grep -E '[.]vm( |$)' /etc/hosts
    true";

impl Host {
    /// A call of a program as root, on a host with a systemd of its own.
    ///
    /// # Panics
    ///
    /// Where this is a plain host, as with all that follows.
    #[track_caller]
    pub fn root<S: AsRef<std::ffi::OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut words = words.into_iter();
        let Some(program) = words.next() else { panic!("no program") };
        self.inside().command(Account::Root, Path::new(program.as_ref())).args(words)
    }

    /// A call of `systemctl` as root.
    #[track_caller]
    pub fn systemctl<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.root(["systemctl", "--no-pager"]).args(args)
    }

    /// Reads a file, whoever may; nothing where there is none.
    #[track_caller]
    #[must_use]
    pub fn file(&self, path: &str) -> Option<String> {
        let script = "[ ! -e \"$1\" ] && exit 9; exec cat \"$1\"";
        let read = self.root(["sh", "-c", script, "sh", path]).run();
        if read.code == 9 { None } else { Some(read.ok().stdout()) }
    }

    /// What a unit said since this host's last boot.
    #[track_caller]
    #[must_use]
    pub fn journal(&self, unit: &str) -> String {
        self.root(["journalctl", "--no-pager", "--boot", "--output=short-precise", "--unit", unit])
            .run()
            .ok()
            .stdout()
    }

    /// Reboots it; what is on its disk stays.
    #[track_caller]
    pub fn reboot(&self) {
        self.inside().reboot();
    }

    /// Ends all that runs on it at once, and boots it; what is on its disk stays.
    #[track_caller]
    pub fn power_cut(&self) {
        self.inside().power_cut();
    }

    /// Waits until it is up, where something on it may have taken it down.
    #[track_caller]
    pub fn come_up(&self) {
        self.inside().come_up();
    }

    /// Looks at all that a system install could leave.
    #[track_caller]
    #[must_use]
    pub fn traces(&self) -> Traces {
        Traces::of(self)
    }

    /// Whether it is an emulated computer: its own kernel, KVM, device mapper; its network cannot be entered.
    #[track_caller]
    #[must_use]
    pub fn is_computer(&self) -> bool {
        self.inside().kind() == Kind::Computer
    }

    /// Begins to serve HTTP in a network beyond the host's gateway, which guests reach through it alone.
    #[track_caller]
    pub fn outside(&self) -> Outside {
        Outside::serve(self)
    }

    /// Runs `work` on a thread that is in the network outside the host. The host is 198.51.100.2 there.
    #[track_caller]
    pub fn in_network_outside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.inside().container().in_network_outside(work)
    }

    /// Puts the shared images and kernels to where the machines of `dev` have theirs.
    pub(crate) fn share_images(&self) {
        let is_installed = self.file("/etc/banger/install.toml").is_some();
        self.inside().share(if is_installed { SYSTEM_STATE } else { OWN_STATE });
    }

    pub(crate) fn has_daemon_inside(&self) -> bool {
        const LOOK: &str = "for dir in /run /run/user/1000 /tmp; do
                for name in banger banger-1000; do [ ! -S $dir/$name/bangerd.sock ] || exit 0; done
            done
            exit 1";
        self.root(["sh", "-c", LOOK]).run().code == 0
    }

    /// Holds it to have nothing of a machine any more.
    pub(crate) fn assert_nothing_of_machines_inside(&self) {
        let look = || self.root(["sh", "-c", MACHINES]).run().ok().stdout();
        let is_gone = wait_until(GONE_LIMIT, || look().is_empty().then_some(())).is_some();
        assert!(is_gone, "left behind:\n{}", look());
    }

    pub(crate) fn print_logs_inside(&self) {
        const LOGS: &str = "systemctl --no-pager --failed
            journalctl --no-pager --boot --lines=200
            find /var/lib/banger/vms /home/dev/.local/state/banger -name '*.log' 2>/dev/null | while read -r log; do
                echo \"--- the end of $log\"; tail -n 60 \"$log\"
            done";
        let said = self.root(["sh", "-c", LOGS]).run();
        println!("{}{}", said.stdout(), said.stderr());
    }
}
