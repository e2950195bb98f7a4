//! A daemon that runs, and how it is spoken to.

use std::{
    fs,
    io::{Read, Write},
    os::unix::{
        net::{UnixDatagram, UnixListener, UnixStream},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::Mutex,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    home::Home,
    reply::{Reply, parse},
};

const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until `look` finds something, and fails where it does not in time.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "waited for long, and not: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A daemon that runs. It is killed where a test forgets it.
pub(crate) struct Daemon {
    child: Mutex<Child>,
    socket: PathBuf,
    /// Where it tells systemd of itself, of the system's daemon.
    told: Option<UnixDatagram>,
}

impl Daemon {
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_program(home, env!("CARGO_BIN_EXE_bangerd").as_ref())
    }

    /// Starts it from a copy of its program.
    pub(crate) fn start_program(home: &Home, program: &Path) -> Self {
        let mut child = home.command_of(program, &[]).spawn().unwrap();
        let socket = home.socket();
        wait_until("it listens", || {
            if let Some(status) = child.try_wait().unwrap() {
                let mut said = String::new();
                child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("it ended with {status}: {said}");
            }
            UnixStream::connect(&socket).ok()
        });
        Self { child: Mutex::new(child), socket, told: None }
    }

    /// Starts the system's as systemd does, and waits until it says that it is ready.
    pub(crate) fn start_of_system(home: &Home, listener: &UnixListener) -> Self {
        let notify = home.path("notify");
        let _none = fs::remove_file(&notify);
        let told = UnixDatagram::bind(&notify).unwrap();
        told.set_read_timeout(Some(LIMIT)).unwrap();
        let child = home.system_command(listener, &notify).spawn().unwrap();
        let daemon = Self { child: Mutex::new(child), socket: home.system_socket(), told: Some(told) };
        assert_eq!(daemon.told(), "READY=1\nSTATUS=its machines are taken up\n");
        daemon
    }

    /// The next that it tells systemd.
    pub(crate) fn told(&self) -> String {
        let mut message = [0; 1024];
        let length = self.told.as_ref().unwrap().recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
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
        let mut child = self.child.lock().unwrap();
        let status = wait_until("it ends", || child.try_wait().unwrap());
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
        wait_until("it is ready", || self.get("/v1/info").ok()["ready_at"].as_str().map(drop));
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], b"")
    }

    /// As [`Daemon::get`]; `None` where it hangs up, as one that restarts may on who has not asked yet.
    pub(crate) fn try_get(&self, path: &str) -> Option<Value> {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: banger\r\nConnection: close\r\n\r\n");
        let mut reply = vec![];
        stream.write_all(head.as_bytes()).and_then(|()| stream.read_to_end(&mut reply)).ok()?;
        (!reply.is_empty()).then(|| parse(&reply).ok())
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
