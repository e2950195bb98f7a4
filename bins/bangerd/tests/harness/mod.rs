//! A home directory with a daemon in it, and a client as plain as `curl`.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{net::UnixStream, process::ExitStatusExt},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use model::{Size, VmId, VmSpec, VmState};
use serde_json::Value;
use store::{Store, VmRecord};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);

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

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bangerd"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
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

/// A reply.
pub(crate) struct Reply {
    pub(crate) status: u16,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body of a success.
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.body.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A daemon that runs. It is killed where a test forgets it.
pub(crate) struct Daemon {
    child: Mutex<Child>,
    socket: PathBuf,
}

impl Daemon {
    pub(crate) fn start(home: &Home) -> Self {
        let mut child = home.command(&[]).spawn().unwrap();
        let socket = home.socket();
        let began = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            if let Some(status) = child.try_wait().unwrap() {
                let mut said = String::new();
                child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("it ended with {status}: {said}");
            }
            assert!(began.elapsed() < LIMIT, "it does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { child: Mutex::new(child), socket }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    pub(crate) fn resident_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until it ended; returns its code, or a signal below 0, and what it said on stderr.
    pub(crate) fn ended(&self) -> (i32, String) {
        let began = Instant::now();
        let mut child = self.child.lock().unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < LIMIT, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said).unwrap();
        }
        (status.code().unwrap_or_else(|| -status.signal().unwrap()), said)
    }

    pub(crate) fn stop(self) {
        self.signal("-TERM");
        assert_eq!(self.ended().0, 0);
    }

    /// Waits until its machines are taken up.
    pub(crate) fn ready(&self) {
        let began = Instant::now();
        while self.get("/v1/info").ok()["ready_at"].is_null() {
            assert!(began.elapsed() < LIMIT, "it does not become ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.ask("POST", path, &[], body.as_bytes())
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let more: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: banger\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n",
            body.len(),
            more.concat()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A refusal may come before all of the body was read.
        let _ = stream.write_all(body);
        let mut reply = vec![];
        stream.read_to_end(&mut reply).unwrap();
        parse(&reply)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

fn parse(reply: &[u8]) -> Reply {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = std::str::from_utf8(&reply[..end]).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = &reply[end + 4..];
    let body = if head.contains("transfer-encoding: chunked") { unchunk(body) } else { body.to_vec() };
    Reply { status, body }
}

fn unchunk(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = vec![];
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("a chunk");
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return whole;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
    }
}
