//! The museum of bad releases (`crates/release/tests/museum`), served to a user's own install: what each is told, and that
//! nothing of it is taken or left.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use smoke::{FIRST, Host, NEXT, on_plain};

use super::own::Own;

/// The release that all of the museum calls itself.
const SHOWN: &str = "v1.2.3";
/// Where the path in it leads that begins at the root.
const OUTSIDE: &str = "/etc/cron.d/x";
/// A processor of no host that this runs on, nor of one that its kernel has an emulator for: Itanium, as ELF numbers it.
const OTHER_PROCESSOR: u16 = 50;
/// More than both ends of a connection keep of what nobody reads, in bytes.
const ON_THE_WAY_BYTES_MAX: usize = 64 * 1024 * 1024;

#[test]
fn update_museum() {
    on_plain(|host| {
        let own = Own::install(host);
        own.releases.offer(NEXT, for_another_processor);
        // The daemon makes its own files first, and an update its lock.
        own.banger(["ps"]).run().ok();
        own.update(["--to", "v9.9.9"]).run().exits(1);
        let daemon = || own.banger(["daemon", "status", "--json"]).run().ok().json()["daemon"]["pid"].take();
        let before = (digests(host), daemon());
        let mut visit = Visit { own: &own, before: disk(host), text: String::new() };
        assert!(visit.before.contains(&format!("/releases/{FIRST}/bangerd ")), "{}", visit.before);
        visit.sees("programs for another processor", NEXT, own.releases.words());

        let [url_word, url, key_word, _] = own.releases.words();
        let key = own.releases.served().join("key.pub").display().to_string();
        let words = [url_word, url, key_word, &key];
        for exhibit in exhibits() {
            show(&own, &exhibit);
            visit.sees(&exhibit, SHOWN, words);
        }
        let sent = show_sums_without_end(&own);
        visit.sees("sums_without_end", SHOWN, words);
        let sent_bytes = sent();
        assert!(sent_bytes < ON_THE_WAY_BYTES_MAX, "{sent_bytes} bytes of a list were read");

        visit.told("museum");
        assert_eq!((digests(host), daemon()), before);
        own.assert_whole(FIRST, "the museum");
        own.banger(["daemon", "stop"]).run().ok();
    });
}

/// What was told so far, and what there was before.
struct Visit<'a> {
    own: &'a Own<'a>,
    before: String,
    text: String,
}

impl Visit<'_> {
    /// Holds an update to a release to changing nothing and leaving nothing.
    #[track_caller]
    fn sees(&mut self, what: &str, version: &str, words: [&str; 4]) {
        let output = self.own.banger(["-q", "update", "--to", version]).args(words).run();
        let (stdout, stderr) = (output.stdout(), output.stderr());
        assert!(output.code != 0 && stdout.is_empty(), "{what}: {stdout}{stderr}");
        assert!(!stderr.contains("os error") && !stderr.contains("panicked"), "{what}: {stderr}");
        writeln!(self.text, "# {what}\n{stderr}exit {}\n", output.code).unwrap();
        assert_eq!(disk(self.own.host), self.before, "{what}: {stderr}");
    }

    /// Holds all that was told to a snapshot.
    #[track_caller]
    fn told(self, name: &str) {
        let home = self.own.host.dir().to_string_lossy().into_owned();
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.add_filter(r"127\.0\.0\.1:\d+", "127.0.0.1:…");
        settings.bind(|| insta::assert_snapshot!(name, self.text.replace(&home, "~")));
    }
}

/// All that an update could touch or leave. Of a file or link stands here what no writer leaves as it is, and less than its
/// digest takes.
fn disk(host: &Host) -> String {
    let script = "set -e; cd \"$1\"; find home cache config -type d -print -o -printf '%p %l %m %s %i %C@\\n' | sort; \
                  ls -A state state/banger state/banger/update; ls -d \"$2\" 2>&1 || :";
    let dir = host.dir().display().to_string();
    host.program("sh").args(["-c", script, "sh", &dir, OUTSIDE]).run().ok().stdout()
}

/// The digests of all that is installed.
fn digests(host: &Host) -> String {
    let script = "cd \"$1\" && find . -type f -exec sha256sum {} + | sort";
    host.program("sh").args(["-c", script, "sh"]).args([host.home()]).run().ok().stdout()
}

fn museum() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/release/tests/museum")
}

/// The good one is among them: its programs are those of a museum and tell no version, so that it gets as far as that.
fn exhibits() -> Vec<String> {
    let entries = fs::read_dir(museum()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() > 40, "{names:?}");
    names
}

/// Puts an exhibit where releases are served: the good one, and over it what differs.
fn show(own: &Own<'_>, exhibit: &str) {
    let script =
        "cd \"$1\" && rm -rf manifest.json key.pub v1.2.3 && cp -R \"$2/good/.\" . && cp -R \"$2/$3/.\" .";
    let (served, museum) = (own.releases.served(), museum());
    let call = own.host.program("sh").args(["-c", script, "sh"]).args([served, museum]);
    call.args([exhibit]).run().ok();
}

/// Shows the good one with a SHA256SUMS that never ends. What is returned says afterwards how many bytes of it went out.
fn show_sums_without_end(own: &Own<'_>) -> impl FnOnce() -> usize {
    show(own, "good");
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let manifest = own.releases.served().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let address = server.local_addr().unwrap();
    let url = format!("\"http://{address}/SHA256SUMS\"");
    let changed = text.replace(&format!("\"{SHOWN}/SHA256SUMS\""), &url);
    assert_ne!(changed, text);
    fs::write(&manifest, changed).unwrap();
    let sending = thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let request = BufReader::new(&client).lines().map_while(Result::ok);
        request.take_while(|line| !line.is_empty()).for_each(drop);
        client.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").unwrap();
        let lines = "# one more\n".repeat(4096);
        std::iter::repeat_n(lines.len(), ON_THE_WAY_BYTES_MAX / lines.len() + 1)
            .take_while(|_| client.write_all(lines.as_bytes()).is_ok())
            .sum()
    });
    move || {
        // Where nobody came, it still waits for somebody.
        drop(TcpStream::connect(address));
        sending.join().unwrap()
    }
}

/// Has programs begin as those of another processor do. What comes after that is not looked at.
fn for_another_processor(programs: &Path) {
    for name in ["banger", "bangerd", "bangerd-root", "banger-vsock-agent"] {
        let mut program = fs::read(programs.join(name)).unwrap();
        program.truncate(4096);
        program[18..20].copy_from_slice(&OTHER_PROCESSOR.to_le_bytes());
        fs::write(programs.join(name), program).unwrap();
    }
}
