//! A directory that stands for `/`, with an install and an owner's state in it.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bangerd_root::places::Places;
use model::{OpId, Size, VmId, VmSpec};
use privileged::{Accel, Launch, LeaseAsk, Monitor, Root, client::Client};
use tempfile::TempDir;

use crate::kernel::kernel;

/// The owner of the install: nobody of this host.
pub(crate) const OWNER: u32 = 54_321;
/// Somebody else.
pub(crate) const STRANGER: u32 = 54_322;
/// No condition in these tests takes longer to come true.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

const HELPER: &str = env!("CARGO_BIN_EXE_bangerd-root");

pub(crate) struct World {
    temp: TempDir,
    helper: Option<Child>,
}

pub(crate) fn op() -> OpId {
    OpId::from_random([1, 2, 3, 4, 5, 6])
}

pub(crate) fn vm(number: u8) -> VmId {
    VmId::from_random([0, 1, 2, 3, 4, number])
}

impl World {
    pub(crate) fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "only root can run these tests");
        let temp = tempfile::tempdir().unwrap();
        // A machine's user has to come by.
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let world = Self { temp, helper: None };
        let places = world.places();
        for dir in [places.system().config(), places.state(), places.root_state(), places.links()] {
            fs::create_dir_all(dir).unwrap();
        }
        fs::create_dir(places.jails()).unwrap();
        for dir in [places.root_state(), places.jails(), places.links()] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).unwrap();
        }
        fs::write(
            places.system().record(),
            format!(
                "owner_user = \"owner\"\nowner_uid = {OWNER}\nowner_gid = {OWNER}\nowner_home = \"/home/owner\"\n\
                 version = \"v1.0.0\"\ncommit = \"unknown\"\nbuilt_at = \"2026-01-01T00:00:00Z\"\n\
                 installed_at = \"2026-01-01T00:00:00Z\"\n"
            ),
        )
        .unwrap();
        fs::set_permissions(places.state(), fs::Permissions::from_mode(0o700)).unwrap();
        chown(places.state(), Some(OWNER), Some(OWNER)).unwrap();
        for (file, content) in [
            ("kernels/k/vmlinux", kernel("up and halted")),
            ("kernels/k/initramfs", b"nothing".to_vec()),
            ("images/i/root.ext4", vec![0; 1 << 20]),
        ] {
            world.own(file, &content);
        }
        world
    }

    /// Starts the program, as its unit does but for the socket.
    pub(crate) async fn serving(mut self) -> Self {
        self.stop();
        let log = fs::File::create(self.temp.path().join("log")).unwrap();
        let helper = Command::new(HELPER)
            .args(["--prefix".as_ref(), self.temp.path(), "--socket".as_ref(), &self.socket()])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn();
        self.helper = Some(helper.unwrap());
        wait_until("the helper serves", || self.log().contains("it serves")).await;
        self
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.temp.path().join("log")).unwrap()
    }

    pub(crate) fn root(&self) -> &Path {
        self.temp.path()
    }

    pub(crate) fn places(&self) -> Places {
        Places::below(self.temp.path())
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.temp.path().join("s")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.socket())
    }

    pub(crate) fn state(&self, file: &str) -> PathBuf {
        self.places().state().join(file)
    }

    /// Makes a file of the owner's in the state directory, with the directories above it.
    pub(crate) fn own(&self, file: &str, content: &[u8]) {
        let path = self.state(file);
        let above: Vec<_> =
            path.ancestors().skip(1).take_while(|dir| **dir != self.places().state()).collect();
        for dir in above.iter().rev() {
            if fs::create_dir(dir).is_ok() {
                chown(dir, Some(OWNER), Some(OWNER)).unwrap();
            }
        }
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(OWNER), Some(OWNER)).unwrap();
    }

    /// Makes the disks and logs of a machine, as the daemon does.
    pub(crate) fn machine(&self, id: &VmId) {
        for (file, len) in [
            ("root.raw", 1 << 20),
            ("home.ext4", 1 << 20),
            ("console.log", 0),
            ("monitor.log", 0),
            ("link.log", 0),
        ] {
            self.own(&format!("vms/{id}/{file}"), &vec![0; len]);
        }
    }
}

pub(crate) fn ask(id: &VmId, name: &str) -> LeaseAsk {
    LeaseAsk { id: id.clone(), name: name.parse().unwrap(), nat: true }
}

pub(crate) fn launch(id: &VmId) -> Launch {
    Launch {
        id: id.clone(),
        spec: VmSpec {
            vcpus: 1.try_into().unwrap(),
            memory: Size::from_mib(128),
            disk_size: Size::from_gib(1),
            system_overlay_size: Size::from_gib(1),
            nat: true,
            publish: vec![],
        },
        monitor: Monitor::Qemu,
        accel: Accel::Emulated,
        tsc_khz: None,
        kernel: "kernels/k/vmlinux".parse().unwrap(),
        initramfs: "kernels/k/initramfs".parse().unwrap(),
        modules_disk: None,
        root: Root::Raw {},
    }
}

pub(crate) async fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl World {
    fn stop(&mut self) {
        if let Some(mut helper) = self.helper.take() {
            let _gone = helper.kill();
            let _reaped = helper.wait();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}
