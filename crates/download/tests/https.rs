//! Downloads over TLS, from a server that OpenSSL makes. The certificates are the host's own, which the environment of
//! a process may name, so a process of its own asks: the crate's example `fetch`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a server that cannot be made is a failed test")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A server that ends with the test.
struct Server {
    child: Child,
    port: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn openssl(dir: &Path, args: &str) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(dir).args(args.split(' ')).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

fn certificate(dir: &Path, name: &str, server: &str) {
    let args = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test \
         -addext basicConstraints=critical,CA:FALSE -addext subjectAltName={server} -keyout {name}.key -out {name}.pem"
    );
    let status = openssl(dir, &args).status().expect("openssl is there (scripts/setup)");
    assert!(status.success());
}

fn serve(dir: &Path, name: &str) -> Server {
    let args = format!("s_server -accept 127.0.0.1:0 -cert {name}.pem -key {name}.key -WWW");
    let mut child = openssl(dir, &args).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let port = lines.find_map(|line| Some(line.strip_prefix("ACCEPT 127.0.0.1:")?.to_owned())).unwrap();
    Server { child, port }
}

fn example() -> PathBuf {
    // Tests lie in target/debug/deps, examples beside that.
    let own = env::current_exe().unwrap();
    own.parent().unwrap().parent().unwrap().join("examples/fetch")
}

fn fetch(server: &Server, trusted: &Path) -> Output {
    let url = format!("https://localhost:{}/page", server.port);
    Command::new(example()).arg(url).env_clear().env("SSL_CERT_FILE", trusted).output().unwrap()
}

#[test]
fn a_server_must_have_a_certificate_that_the_host_trusts() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::write(dir.join("page"), "over TLS\n").unwrap();
    certificate(dir, "good", "DNS:localhost");
    certificate(dir, "elsewhere", "DNS:example.org");
    let good = serve(dir, "good");
    let output = fetch(&good, &dir.join("good.pem"));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "over TLS\n", "{output:?}");
    // Nobody vouches for it; and someone does, under another name.
    expect_refused(&fetch(&good, &dir.join("elsewhere.pem")));
    let elsewhere = serve(dir, "elsewhere");
    expect_refused(&fetch(&elsewhere, &dir.join("elsewhere.pem")));
}

fn expect_refused(output: &Output) {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.starts_with("fetch page: the server cannot be asked\n"), "{error}");
    assert!(error.contains("Check that the host has certificates"), "{error}");
}
