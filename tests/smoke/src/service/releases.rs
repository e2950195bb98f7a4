//! Releases of banger, made by the release tool and served to a host on its own loopback.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use crate::{Host, place};

/// The version of the programs that are tested.
pub const FIRST: &str = "v0.1.0";
/// The version of the release that the next one is built as.
pub const NEXT: &str = "v0.1.1";
/// What the next release says that it was built from.
pub const NEXT_COMMIT: &str = "1111111111111111111111111111111111111111";
/// And when, in seconds since 1970.
const NEXT_BUILT_AT_SECONDS: &str = "1790000000";
/// That time, as `banger version` tells it.
pub const NEXT_BUILT_AT: &str = "2026-09-21T14:13:20Z";

/// A release server with a key of its own, until it is dropped.
#[derive(Debug)]
pub struct Releases {
    dir: PathBuf,
    url: String,
    key_on_host: String,
    listener: TcpListener,
}

impl Releases {
    /// Serves no release yet, on the host's loopback, with a fresh key that lies on the host.
    ///
    /// # Panics
    ///
    /// Where that cannot be done.
    #[must_use]
    #[track_caller]
    pub fn serve(host: &Host) -> Self {
        let dir = tempfile::Builder::new().prefix("releases.").tempdir_in(host.dir());
        let dir = dir.unwrap_or_else(|error| panic!("make a directory: {error}")).keep();
        fs::create_dir_all(dir.join("served"))
            .unwrap_or_else(|error| panic!("make {}: {error}", dir.display()));
        let key = dir.join("key.pem");
        openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"], &key);
        let public = dir.join("key.pub");
        let made = Command::new("openssl")
            .args(["ec", "-pubout", "-in"])
            .arg(&key)
            .arg("-out")
            .arg(&public)
            .output();
        assert!(made.is_ok_and(|made| made.status.success()), "openssl makes a public key");
        let key_on_host = if host.is_plain() {
            public.display().to_string()
        } else {
            let public = fs::read(&public).unwrap_or_else(|error| panic!("read the key: {error}"));
            let name = dir.file_name().unwrap_or_default().display();
            let inside = format!("/root/{name}.pub");
            host.root(["sh", "-c", &format!("cat >{inside}")]).stdin(public).run().ok();
            inside
        };
        let listener = listen(host);
        let url = serve(&listener, dir.join("served"));
        Self { dir, url, key_on_host, listener }
    }

    /// Serves on, at a port of another boot of the host.
    ///
    /// # Panics
    ///
    /// Where that cannot be done.
    #[track_caller]
    pub fn serve_again(&mut self, host: &Host) {
        self.end();
        self.listener = listen(host);
        self.url = serve(&self.listener, self.served());
    }

    fn end(&self) {
        // Whoever waits for a connection hears of it.
        let _ended = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
    }

    /// Offers a release made of the next programs, once `edit` has changed what lies in their directory.
    ///
    /// # Panics
    ///
    /// Where the release tool refuses.
    #[track_caller]
    pub fn offer(&self, version: &str, edit: impl FnOnce(&Path)) {
        let programs = self.dir.join(format!("programs-{version}"));
        copy_next(&programs);
        edit(&programs);
        self.cut(version, &programs);
    }

    /// Offers the programs that are tested, as the release that they are.
    ///
    /// # Panics
    ///
    /// Where the release tool refuses.
    #[track_caller]
    pub fn offer_first(&self) {
        let programs = self.dir.join(format!("programs-{FIRST}"));
        place::copy_programs(&programs).unwrap_or_else(|error| panic!("copy the programs: {error}"));
        self.cut(FIRST, &programs);
    }

    #[track_caller]
    fn cut(&self, version: &str, programs: &Path) {
        let mut tool = Command::new("cargo");
        tool.args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "xtask",
            "--",
            "release",
            "--version",
            version,
        ])
        .args(["--allow", "dirty", "--allow", "version", "--allow", "changelog", "--allow", "key"])
        .arg("--key")
        .arg(self.dir.join("key.pem"))
        .arg("--out")
        .arg(self.served())
        .arg("--programs")
        .arg(programs)
        .current_dir(place::repository());
        let output = tool.output().unwrap_or_else(|error| panic!("run the release tool: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the release tool cuts {version}: {said}");
    }

    /// The directory that is served.
    #[must_use]
    pub fn served(&self) -> PathBuf {
        self.dir.join("served")
    }

    /// The words that let `banger update` take releases from here.
    #[must_use]
    pub fn words(&self) -> [&str; 4] {
        ["--manifest-url", &self.url, "--pubkey-file", &self.key_on_host]
    }
}

impl Drop for Releases {
    fn drop(&mut self) {
        self.end();
    }
}

#[track_caller]
fn listen(host: &Host) -> TcpListener {
    let listener =
        if host.is_plain() { TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) } else { host.inside().listen() };
    listener.unwrap_or_else(|error| panic!("listen: {error}"))
}

/// Begins to serve what lies below `root`, and returns the manifest's place.
#[track_caller]
fn serve(listener: &TcpListener, root: PathBuf) -> String {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let server = listener.try_clone().unwrap_or_else(|error| panic!("listen: {error}"));
    thread::spawn(move || {
        while let Ok((stream, _)) = server.accept() {
            // One who hangs up is not answered.
            drop(answer(&stream, &root));
        }
    });
    format!("http://127.0.0.1:{port}/manifest.json")
}

/// Puts a script in the place of a program.
///
/// # Panics
///
/// Where the disk refuses.
pub fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
}

/// Where the next release's programs are built.
const NEXT_TARGET: &str = "target/next";
/// The target for which the agent is built, as a target of its own so that its flags reach nothing else.
const AGENT_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the next release's programs.
///
/// # Panics
///
/// Where they do not build.
pub fn build_next() {
    let programs = ["--bin", "banger", "--bin", "bangerd", "--bin", "bangerd-root"];
    build(|cargo| cargo.args(programs));
    let agent = ["--target", AGENT_TARGET, "--bin", "banger-vsock-agent"];
    build(|cargo| cargo.args(agent).env("RUSTFLAGS", "-C target-feature=+crt-static"));
}

fn build(what: impl FnOnce(&mut Command) -> &mut Command) {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--locked", "--target-dir", NEXT_TARGET])
        .current_dir(place::repository())
        .env("BANGER_VERSION", NEXT)
        .env("BANGER_COMMIT", NEXT_COMMIT)
        .env("SOURCE_DATE_EPOCH", NEXT_BUILT_AT_SECONDS)
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_STRIP", "true");
    let built = what(&mut cargo).status();
    assert!(built.is_ok_and(|status| status.success()), "the next release's programs build");
}

fn copy_next(to: &Path) {
    let next = place::repository().join(NEXT_TARGET);
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("make {}: {error}", to.display()));
    for name in ["banger", "bangerd", "bangerd-root", "banger-vsock-agent"] {
        let under = if name == "banger-vsock-agent" { AGENT_TARGET } else { "." };
        let from = next.join(under).join("debug").join(name);
        fs::copy(from, to.join(name)).unwrap_or_else(|error| panic!("copy the next {name}: {error}"));
    }
}

fn openssl(args: &[&str], out: &Path) {
    let made = Command::new("openssl").args(args).arg(out).output();
    assert!(made.is_ok_and(|made| made.status.success()), "openssl {}", args.join(" "));
}

fn answer(mut stream: &TcpStream, dir: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let file = Some(path).filter(|path| !path.contains("..")).and_then(|path| fs::read(dir.join(path)).ok());
    let (status, body) = file.map_or(("404 Not Found", vec![]), |body| ("200 OK", body));
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}
