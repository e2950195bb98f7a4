//! A guest with systemd, called `big`: OpenSSH through the link, and stopping it whatever became of its sshd.

use std::time::Duration;

use smoke::{Host, wait::wait_for};

/// The arguments that `vm ssh` gives to ssh, for the other programs of OpenSSH.
fn options(host: &Host, name: &str) -> Vec<String> {
    let vm = host.vm(name);
    let text = |key: &str| vm[key].as_str().unwrap().to_owned();
    [
        format!("ProxyCommand=banger internal proxy {}", text("link_dir")),
        format!("UserKnownHostsFile={}/known_hosts", text("dir")),
        "GlobalKnownHostsFile=/dev/null".to_owned(),
        format!("HostKeyAlias={name}.vm"),
        "StrictHostKeyChecking=yes".to_owned(),
        format!("IdentityFile={}", text("ssh_key")),
        "IdentitiesOnly=yes".to_owned(),
        "BatchMode=yes".to_owned(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect()
}

pub(crate) fn ssh_and_scp(host: &Host) {
    let ssh = |args: &[&str]| host.banger(["vm", "ssh", "big", "--"]).args(args);
    let words = ["printf", "%s|", "a  b", "it's", "$HOME", "*", "\"", "\\", ""];
    assert_eq!(ssh(&words).run().ok().stdout(), "a  b|it's|$HOME|*|\"|\\||");
    ssh(&["exit", "37"]).run().exits(37);
    let output = ssh(&["sh", "-c", "cat; echo err >&2"]).stdin("in").run().ok();
    assert_eq!(output.stdout(), "in");
    assert!(output.stderr().contains("err\n"), "{}", output.stderr());

    let sh = |script: &str| host.program("/bin/sh").args(["-c", script]).run().ok();
    sh("head -c 3145728 /dev/urandom >blob");
    let scp = |from: &str, to: &str| {
        let options = options(host, "big");
        host.program("/usr/bin/scp").args(options).args(["-p", from, to]).run().ok();
    };
    scp("blob", "root@big:/srv/blob");
    scp("root@big:/srv/blob", "back");
    sh("cmp blob back && rm blob back");
    // One that has no shell to log in to is told apart, in words.
    host.start_small("small");
    let output = host.banger(["vm", "ssh", "small", "--", "true"]).run();
    assert!(output.code == 255 || output.code == 125, "{}", output.code);
    assert!(output.stderr().contains("sshd"), "{}", output.stderr());
    host.delete("small");
}

/// What is open over ssh is a use of the machine for as long as it is open, and no longer.
pub(crate) fn an_open_ssh_session_is_counted(host: &Host) {
    let open = || {
        let stats = host.banger(["vm", "stats", "--json", "big"]).run().ok().json();
        stats["result"]["stats"]["guest"]["activity"]["sessions_open"].as_u64().unwrap()
    };
    let limit = Duration::from_mins(1);
    wait_for("the end of earlier sessions", limit, || open() == 0);
    let mut session = host.banger(["vm", "ssh", "big", "--", "sh", "-c", "echo in; exec sleep 4321"]).start();
    session.wait_for_text("in\n");
    assert_eq!(open(), 1);
    drop(session);
    wait_for("it to count no more", limit, || open() == 0);
}

/// Boots it.
pub(crate) fn create(host: &Host) {
    host.with_guests().banger(["vm", "create", "--name", "big", "--image", "debian-bookworm"]).run().ok();
    // The agent answers as soon as the guest is reached; systemd names itself a moment later.
    host.sh("big", "timeout 60 sh -c 'until grep -qx systemd /proc/1/comm; do sleep 0.1; done'").run().ok();
}

pub(crate) fn stop_loses_nothing_with_a_dead_sshd(host: &Host) {
    host.sh("big", "systemctl mask --now ssh.service ssh.socket; rm /usr/sbin/sshd; pkill -x sshd; true")
        .run()
        .ok();
    host.sh("big", "seq 200000 > /root/numbers; seq 200000 > /srv/numbers").run().ok();
    let stop = host.banger(["vm", "stop", "big"]).run().ok();
    assert!(!stop.stderr().contains("killed"), "{}", stop.stderr());
    host.banger(["vm", "start", "big"]).run().ok();
    host.sh("big", "seq 200000 | cmp - /root/numbers && seq 200000 | cmp - /srv/numbers").run().ok();
}
