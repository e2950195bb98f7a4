//! Directories for one daemon.

use std::{
    ffi::OsString,
    fs,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{MetadataExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use model::{InstallRecord, Size, VmId, VmSpec, VmState};
use store::{Store, VmRecord};
use tempfile::TempDir;

/// Directories for one daemon.
pub(crate) struct Home {
    dir: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        for name in ["state", "cache", "config", "run"] {
            fs::create_dir(home.path(name)).unwrap();
        }
        home
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/banger/bangerd.sock")
    }

    /// Where its programs are found: the host's, after those of its own.
    fn programs(&self) -> OsString {
        let mut programs = self.path("bin").into_os_string();
        programs.push(":");
        programs.push(std::env::var_os("PATH").unwrap());
        programs
    }

    /// Has a program of the host hang for as long as it is let.
    pub(crate) fn hang(&self, program: &str) {
        let path = self.path("bin").join(program);
        fs::create_dir_all(self.path("bin")).unwrap();
        fs::write(&path, "#!/bin/sh\nexec sleep 600\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(super) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_bangerd").as_ref(), args)
    }

    pub(super) fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("PATH", self.programs())
            .env("HOME", self.dir.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            // Whatever is installed on the host that runs the tests is none of theirs.
            .env("BANGER_SYSTEM_ROOT", self.path("root"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end; returns its code and all that it said.
    pub(crate) fn run(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(said).unwrap())
    }

    /// Runs it, and kills it after `delay`; returns whether it had ended by itself.
    pub(crate) fn wait_and_kill(&self, args: &[&str], delay: Duration) -> bool {
        let mut child = self.command(args).spawn().unwrap();
        let began = Instant::now();
        while began.elapsed() < delay {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap().code().is_some()
    }

    /// Makes what a system install for this user consists of, as far as a daemon looks at it.
    pub(crate) fn install(&self) {
        let found = fs::metadata(self.dir.path()).unwrap();
        let record = InstallRecord {
            owner_user: "ann".to_owned(),
            owner_uid: found.uid(),
            owner_gid: found.gid(),
            owner_home: self.dir.path().to_owned(),
            version: "v1.2.3".parse().unwrap(),
            commit: "unknown".to_owned(),
            built_at: "2026-01-02T03:04:05Z".parse().unwrap(),
            installed_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        };
        for (dir, mode) in [("etc/banger", 0o755), ("var/lib/banger", 0o700), ("var/cache/banger", 0o700)] {
            let dir = self.path("root").join(dir);
            fs::create_dir_all(&dir).unwrap();
            fs::set_permissions(&dir, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir_all(self.system_socket().parent().unwrap()).unwrap();
        fs::write(self.path("root/etc/banger/install.toml"), record.render()).unwrap();
    }

    pub(crate) fn system_socket(&self) -> PathBuf {
        self.path("root/run/banger/bangerd.sock")
    }

    /// A daemon that is started as systemd starts it: with this socket, and with one to tell that it is ready.
    pub(super) fn system_command(&self, listener: &UnixListener, notify: &Path) -> Command {
        let bare = self.command(&[]);
        let mut command = Command::new("/bin/sh");
        // The number is that of the program which the shell becomes.
        command
            .args([
                "-c",
                "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=bangerd exec \"$0\" --system",
            ])
            .arg(bare.get_program())
            .env_clear()
            .envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("NOTIFY_SOCKET", notify)
            .stdin(OwnedFd::from(listener.try_clone().unwrap()))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Records machines that rest, with directories.
    pub(crate) fn fill(&self, count: u64) {
        let state = self.path("state/banger");
        fs::create_dir_all(state.join("vms")).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(&state, private).unwrap();
        let mut store = Store::open(&state.join("state.db")).unwrap();
        for number in 0..count {
            let mut bytes = [0; 6];
            bytes.copy_from_slice(&number.to_be_bytes()[2..]);
            let vm = record(VmId::from_random(bytes), number);
            let dir = state.join("vms").join(vm.id.as_str());
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("home.ext4"), "").unwrap();
            store.insert_vm(&vm).unwrap();
        }
    }
}

fn record(id: VmId, number: u64) -> VmRecord {
    VmRecord {
        id,
        name: format!("box-{number}").parse().unwrap(),
        state: VmState::Stopped,
        error: None,
        spec: VmSpec {
            vcpus: 2.try_into().unwrap(),
            memory: Size::from_mib(1024),
            disk_size: Size::from_gib(1),
            system_overlay_size: Size::from_gib(8),
            nat: true,
            publish: vec!["80".parse().unwrap()],
        },
        image: "debian-bookworm".parse().unwrap(),
        image_digest: None,
        kernel: "6.1.0-40-cloud-amd64".parse().unwrap(),
        kernel_digest: None,
        created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        started_at: None,
        boot_id: None,
        monitor: "qemu".to_owned(),
        accel: Some("emulated".to_owned()),
        disk_method: Some("qcow2".to_owned()),
        published: vec![],
        delete_on_failure: false,
        monitor_process: None,
        link_process: None,
        workspace: None,
    }
}
