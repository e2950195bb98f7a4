//! `ssh NAME.vm`, and what else goes by the name alone: scp, rsync, an editor's remote mode. The machine is called `big`,
//! and has systemd.

use std::{path::Path, time::Duration};

use smoke::{Command, Host, Output, wait::wait_for};

use super::{here::sh, reach::SERVER, ssh::create};

const SSH: &str = "/usr/bin/ssh";

/// How long a program of the guest's may take to be reached.
const LIMIT: Duration = Duration::from_mins(1);

/// Where what an editor left in the guest listens.
const SERVER_PORT: &str = "9009";

/// The first port from `$1` on that nobody listens at.
const FREE_PORT: &str = "port=$1; while (exec 3<>\"/dev/tcp/127.0.0.1/$port\") 2>/dev/null; do port=$((port + 1)); done; echo \"$port\"";

/// Asks who listens at the port `$1`.
const ASK: &str = "exec 3<>\"/dev/tcp/127.0.0.1/$1\" && echo over there >&3 && cat <&3";

const PLANT: &str =
    "mkdir -p from/deep/er && echo spaces >'from/deep/er/file with spaces' && ln -s deep/er from/link &&
    printf '#!/bin/sh\\necho ran\\n' >from/run && chmod 755 from/run && chmod 700 from/deep";

/// All of a tree but when it was made.
const LOOK: &str =
    "cd \"$1\" && find . -mindepth 1 -printf '%p %m %l\\n' -type f -exec sha256sum {} ';' | sort";

/// OpenSSH's own programs as they reach a machine by its name. None may ask anything: a question fails it.
struct ByName<'a> {
    host: &'a Host,
    config: Vec<String>,
}

impl ByName<'_> {
    fn tool(&self, program: &str, args: &[&str]) -> Command {
        self.host.program(program).args(&self.config).args(["-o", "BatchMode=yes"]).args(args)
    }

    #[track_caller]
    fn ssh(&self, args: &[&str]) -> Output {
        unasked(self.tool(SSH, args).run())
    }
}

/// Holds a program to have said nothing of host keys, neither as a question nor as news.
#[track_caller]
fn unasked(output: Output) -> Output {
    let said = (output.stdout() + &output.stderr()).to_lowercase();
    for word in ["authenticity", "host key", "known hosts", "(yes/no"] {
        assert!(!said.contains(word), "{said}");
    }
    output
}

/// `config` is the file that ssh is told of where it would read another: it takes its user's home from the system.
pub(crate) fn ssh_config_install(host: &Host, config: Option<&Path>) {
    host.banger(["ssh-config", "--install"]).run().ok();
    let config = config.map(|file| file.display().to_string());
    let config: Vec<String> = config.into_iter().flat_map(|file| ["-F".to_owned(), file]).collect();
    let by_name = ByName { host, config };
    assert_eq!(by_name.ssh(&["big.vm", "echo $((6 * 7))"]).ok().stdout(), "42\n");
    // A person at a terminal could be asked.
    let typed = host.program(SSH).args(&by_name.config).args(["big.vm", "echo $((7 * 7))"]);
    let shown = unasked(typed.on_terminal(24, 80).limit(LIMIT).run()).ok().stdout();
    assert!(shown.contains("49"), "{shown}");
    scp(&by_name);
    rsync(&by_name);
    editor(&by_name);
    let nobody = by_name.ssh(&["nobody.vm", "true"]).exits(255);
    assert!(nobody.stderr().contains("no machine is called nobody"), "{}", nobody.stderr());

    // One made anew has another key, and asks nothing.
    host.delete("big");
    let stopped = by_name.ssh(&["big.vm", "true"]).exits(255);
    assert!(stopped.stderr().contains("no machine is called big"), "{}", stopped.stderr());
    create(host);
    by_name.ssh(&["big.vm", "true"]).ok();
    host.banger(["ssh-config", "--uninstall"]).run().ok();
}

fn scp(by_name: &ByName<'_>) {
    let host = by_name.host;
    let scp = |from: &str, to: &str| unasked(by_name.tool("/usr/bin/scp", &[from, to]).run()).ok();
    sh(host, "printf 'by name' >note", &[]);
    scp("note", "big.vm:/srv/note");
    host.sh("big", "grep -qx 'by name' /srv/note && echo ' and back' >>/srv/note").run().ok();
    scp("big.vm:/srv/note", "note");
    assert_eq!(sh(host, "cat note && rm note", &[]), "by name and back\n");
}

/// Both ways, where this host has it.
fn rsync(by_name: &ByName<'_>) {
    let host = by_name.host;
    let version = sh(host, "if command -v rsync >/dev/null; then rsync --version | head -n 1; fi", &[]);
    if version.is_empty() {
        return host.note("no rsync here");
    }
    host.note(version.trim());
    let way = format!("{SSH} {} -o BatchMode=yes", by_name.config.join(" "));
    let rsync =
        |args: &[&str]| unasked(host.program("rsync").args(["-e", &way]).args(args).run()).ok().stdout();
    sh(host, PLANT, &[]);
    rsync(&["-a", "from/", "big.vm:/srv/there/"]);
    assert_eq!(
        host.sh("big", "cd /srv/there/link && cat 'file with spaces' && ../../run").run().ok().stdout(),
        "spaces\nran\n"
    );
    rsync(&["-a", "big.vm:/srv/there/", "back/"]);
    assert_eq!(sh(host, LOOK, &["back"]), sh(host, LOOK, &["from"]));
    // What is here already does not come again.
    host.sh("big", "echo echo more >>/srv/there/run").run().ok();
    let came = rsync(&["-ai", "big.vm:/srv/there/", "back/"]);
    assert!(came.lines().count() == 1 && came.ends_with(" run\n"), "{came}");
    assert_eq!(sh(host, "back/run && rm -r from back", &[]), "ran\nmore\n");
}

/// What an editor does: a script for a shell over there leaves a server that stays, and a forwarded port leads to it.
fn editor(by_name: &ByName<'_>) {
    let host = by_name.host;
    let script = format!(
        "mkdir -p /srv/editor && cd /srv/editor || exit
        setsid perl -e '{SERVER}' 127.0.0.1 {SERVER_PORT} >log 2>&1 </dev/null &
        until grep -q listening log; do sleep 0.1; done
        echo \"serves on $(hostname)\"\n"
    );
    let told = unasked(by_name.tool(SSH, &["-T", "big.vm", "sh", "-s"]).stdin(script).run()).ok();
    assert_eq!(told.stdout(), "serves on big\n");

    let bash = |script: &str, port: &str| host.program("/bin/bash").args(["-c", script, "bash", port]).run();
    let first = (10_000 + std::process::id() % 10_000).to_string();
    let port = bash(FREE_PORT, &first).ok().stdout().trim().to_owned();
    let way = format!("127.0.0.1:{port}:127.0.0.1:{SERVER_PORT}");
    let forward = by_name.tool(SSH, &["-N", "-o", "ExitOnForwardFailure=yes", "-L", &way, "big.vm"]).start();
    wait_for("an answer through the forwarded port", LIMIT, || bash(ASK, &port).stdout() == "OVER THERE\n");
    drop(forward);
    wait_for("the forwarded port's end", LIMIT, || bash(ASK, &port).code != 0);
    // It outlives who began it.
    host.sh("big", "pkill -f '[O]::Socket::INET' && rm -r /srv/editor").run().ok();
}
