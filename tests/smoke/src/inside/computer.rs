//! An emulated computer with a kernel of its own, whose KVM works.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    disk::part,
    lacks::succeeds,
    state::{remove, run},
};
use crate::{
    command::{Account, Way},
    place,
    wait::wait_until,
};

/// How long a boot may take where two of them share a processor.
const BOOT_LIMIT: Duration = Duration::from_mins(6);

const ACCOUNTS: [Account; 2] = [Account::Root, Account::Dev];

const SIZE: [&str; 4] = ["-smp", "2", "-m", "6G"];

/// The monitors that the archive does not have.
const FROM_PATH: [&str; 2] = ["firecracker", "jailer"];

#[derive(Debug)]
pub(crate) struct Computer {
    dir: PathBuf,
    /// The port of this machine's loopback that leads to its sshd.
    port: u16,
    /// Where the sockets of the connections are: their paths must be short.
    sockets: TempDir,
    processes: Mutex<Processes>,
}

/// Killed when they are dropped, or when the thread that started them ends.
#[derive(Debug, Default)]
struct Processes {
    computer: Option<Ended>,
    connections: Vec<Ended>,
    /// The ports of its loopback that lead to this machine's.
    forwarded: Vec<u16>,
}

/// A process that is ended when this is dropped.
#[derive(Debug)]
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _gone = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Computer {
    pub(super) fn boot(dir: &Path) -> Self {
        let overlay = ["create", "-q", "-f", "qcow2", "-F", "raw", "-b"];
        run(Command::new("qemu-img").args(overlay).arg(part("disk")).arg(dir.join("disk.qcow2")));
        make_programs(dir);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.unwrap_or_else(|error| panic!("find a port: {error}")).port();
        let sockets = tempfile::Builder::new().prefix("smoke-ssh.").tempdir();
        let sockets = sockets.unwrap_or_else(|error| panic!("create a directory: {error}"));
        let this = Self { dir: dir.to_owned(), port, sockets, processes: Mutex::default() };
        this.start();
        this.wait_until_up(None);
        this
    }

    pub(super) fn way(&self, account: Account) -> Way {
        Way::Computer { socket: self.socket(account), account }
    }

    pub(super) fn reboot(&self) {
        let before = self.boot_id();
        // The answer may be lost with the one who gives it.
        let _told = succeeds(&mut self.call("systemctl reboot"));
        self.wait_until_up(before.as_deref());
    }

    pub(super) fn power_cut(&self) {
        let before = self.boot_id();
        self.end();
        self.start();
        self.wait_until_up(before.as_deref());
    }

    /// Waits until it is up, whatever took it down.
    pub(super) fn come_up(&self) {
        self.wait_until_up(None);
    }

    /// Has a port of its loopback lead to the same port of this machine's.
    pub(super) fn forward(&self, port: u16) {
        run(&mut self.forwarding(port));
        self.processes().forwarded.push(port);
    }

    fn forwarding(&self, port: u16) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-q", "-F", "none", "-O", "forward", "-R", &format!("127.0.0.1:{port}:127.0.0.1:{port}")]);
        ssh.arg("-S").arg(self.socket(Account::Root)).arg("root@127.0.0.1");
        ssh
    }

    fn end(&self) {
        let processes = &mut *self.processes();
        (processes.computer, processes.connections) = (None, vec![]);
    }

    fn processes(&self) -> std::sync::MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn socket(&self, account: Account) -> PathBuf {
        self.sockets.path().join(account.name())
    }

    fn start(&self) {
        let log = fs::File::create(self.dir.join("qemu.log"));
        let log = log.unwrap_or_else(|error| panic!("create a log in {}: {error}", self.dir.display()));
        let network = format!(
            "user,id=n,ipv6=off,net=198.51.100.0/24,host=198.51.100.1,dhcpstart=198.51.100.15,\
             hostfwd=tcp:127.0.0.1:{}-198.51.100.2:22",
            self.port
        );
        let file = |path: &Path, rest: &str| format!("file={},if=virtio,{rest}", path.display());
        let console = format!("file:{}", self.dir.join("console.log").display());
        let started = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "qemu-system-x86_64",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
            ])
            .args(["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-serial", &console])
            .args(SIZE)
            .arg("-kernel")
            .arg(part("vmlinuz"))
            .arg("-initrd")
            .arg(part("initrd.img"))
            .args(["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1 quiet"])
            .args(["-drive", &file(&self.dir.join("disk.qcow2"), "format=qcow2,cache=unsafe,discard=unmap")])
            .args(["-drive", &file(&self.dir.join("programs.disk"), "format=raw,readonly=on")])
            .args(["-netdev", &network, "-device", "virtio-net-pci,netdev=n", "-device", "virtio-rng-pci"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = started.unwrap_or_else(|error| panic!("start setpriv: {error}"));
        self.processes().computer = Some(Ended(child));
    }

    /// Waits until it is up, with another boot id than `before`.
    fn wait_until_up(&self, before: Option<&str>) {
        let state = wait_until(BOOT_LIMIT, || {
            self.connect();
            self.boot_id().filter(|id| before.is_none_or(|before| before != id))?;
            let asked = self.call("systemctl is-system-running").output().ok()?;
            let told = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
            ["running", "degraded"].contains(&&*told).then_some(())
        });
        assert!(state.is_some(), "the computer did not come up\n{}", self.said());
        let ports = self.processes().forwarded.clone();
        // Where the connection is the one that was, they lead there already; where it broke again, it is made again.
        for port in ports {
            let _there = self.forwarding(port).output();
        }
    }

    /// Sees to it that there is a connection for each account.
    fn connect(&self) {
        let processes = &mut *self.processes();
        let is_there = |connection: &mut Ended| matches!(connection.0.try_wait(), Ok(None));
        if processes.connections.len() == ACCOUNTS.len() && processes.connections.iter_mut().all(is_there) {
            return;
        }
        processes.connections.clear();
        for account in ACCOUNTS {
            let _old = fs::remove_file(self.socket(account));
            let mut ssh = Command::new("setpriv");
            ssh.args(["--pdeathsig", "KILL", "ssh", "-q", "-F", "none", "-M", "-N", "-S"]);
            ssh.arg(self.socket(account)).arg("-i").arg(part("key")).args(["-p", &self.port.to_string()]);
            for option in [
                "BatchMode=yes",
                "ConnectTimeout=30",
                // Two minutes: while machines boot in it, it was seen to answer nothing for longer than 15 s.
                "ServerAliveInterval=5",
                "ServerAliveCountMax=24",
                "StrictHostKeyChecking=no",
                "UserKnownHostsFile=/dev/null",
            ] {
                ssh.args(["-o", option]);
            }
            ssh.arg(format!("{}@127.0.0.1", account.name()));
            let started = ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
            processes
                .connections
                .push(Ended(started.unwrap_or_else(|error| panic!("start setpriv: {error}"))));
        }
    }

    fn boot_id(&self) -> Option<String> {
        // Both accounts must have theirs.
        let is_there = ACCOUNTS.iter().all(|account| self.socket(*account).exists());
        let asked = is_there.then(|| self.call("cat /proc/sys/kernel/random/boot_id").output())?.ok()?;
        let id = String::from_utf8_lossy(&asked.stdout).into_owned();
        (asked.status.success() && !id.is_empty()).then_some(id)
    }

    /// A line for root's shell.
    fn call(&self, line: &str) -> Command {
        let mut ssh = Command::new("ssh");
        // Where there is no connection, none is made.
        ssh.args(["-q", "-F", "none", "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-S"]);
        ssh.arg(self.socket(Account::Root)).args(["root@127.0.0.1", "--", line]).stdin(Stdio::null());
        ssh
    }

    fn said(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        read("qemu.log") + &read("console.log")
    }
}

/// Makes the disk with the programs.
fn make_programs(dir: &Path) {
    let (programs, disk) = (dir.join("programs"), dir.join("programs.disk"));
    let copied = place::copy_programs(&programs);
    copied.unwrap_or_else(|error| panic!("create {}: {error}", programs.display()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    for name in FROM_PATH {
        if let Some(found) =
            std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
        {
            let copied = fs::copy(&found, programs.join(name));
            copied.unwrap_or_else(|error| panic!("copy {}: {error}", found.display()));
        }
    }
    run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&programs).arg(&disk).arg("512M"));
    remove(&programs);
}
