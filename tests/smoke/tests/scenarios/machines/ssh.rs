//! A guest with systemd: OpenSSH through the link, and stopping it whatever became of its sshd.

use std::fs;

use smoke::{Host, on_plain};

/// The arguments that `vm ssh` gives to ssh, for the other programs of OpenSSH.
fn options(host: &Host, name: &str) -> Vec<String> {
    let vm = host.vm(name);
    let text = |key: &str| vm[key].as_str().unwrap().to_owned();
    let banger = host.program_path("banger").display().to_string();
    [
        format!("ProxyCommand={banger} internal proxy {}", text("dir")),
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

fn ssh_and_scp(host: &Host) {
    let ssh = |args: &[&str]| host.banger(["vm", "ssh", "big", "--"]).args(args);
    let words = ["printf", "%s|", "a  b", "it's", "$HOME", "*", "\"", "\\", ""];
    assert_eq!(ssh(&words).run().ok().stdout(), "a  b|it's|$HOME|*|\"|\\||");
    ssh(&["exit", "37"]).run().exits(37);
    let output = ssh(&["sh", "-c", "cat; echo err >&2"]).stdin("in").run().ok();
    assert_eq!(output.stdout(), "in");
    assert!(output.stderr().contains("err\n"), "{}", output.stderr());

    let home = host.dir().join("home");
    let bytes: Vec<u8> = (0..=255).cycle().take(3 << 20).collect();
    fs::write(home.join("blob"), &bytes).unwrap();
    let scp = |from: &str, to: &str| {
        let options = options(host, "big");
        host.program("/usr/bin/scp").args(options).args(["-p", from, to]).run().ok();
    };
    scp("blob", "root@big:/srv/blob");
    scp("root@big:/srv/blob", "back");
    assert!(fs::read(home.join("back")).unwrap() == bytes);
    // One that has no shell to log in to is told apart, in words.
    host.start_small("small");
    let output = host.banger(["vm", "ssh", "small", "--", "true"]).run();
    assert!(output.code == 255 || output.code == 125, "{}", output.code);
    assert!(output.stderr().contains("sshd"), "{}", output.stderr());
    host.delete("small");
}

fn create(host: &Host) {
    host.with_guests().banger(["vm", "create", "--name", "big", "--image", "debian-bookworm"]).run().ok();
    // The agent answers as soon as the guest is reached; systemd names itself a moment later.
    host.sh("big", "timeout 60 sh -c 'until grep -qx systemd /proc/1/comm; do sleep 0.1; done'").run().ok();
}

/// OpenSSH's own programs, by the name alone. ssh takes its user's home from the system, so it is told of the file.
fn ssh_config_install(host: &Host) {
    host.banger(["ssh-config", "--install"]).run().ok();
    let config = host.dir().join("home/.ssh/config").display().to_string();
    let tool = |program: &str, args: &[&str]| {
        let args = ["-F", &config, "-o", "BatchMode=yes"].into_iter().chain(args.iter().copied());
        host.program(program).args(args).run()
    };
    assert_eq!(tool("/usr/bin/ssh", &["big.vm", "echo $((6 * 7))"]).ok().stdout(), "42\n");
    fs::write(host.dir().join("home/note"), "by name").unwrap();
    tool("/usr/bin/scp", &["note", "big.vm:/srv/note"]).ok();
    host.sh("big", "grep -qx 'by name' /srv/note").run().ok();
    let nobody = tool("/usr/bin/ssh", &["nobody.vm", "true"]).exits(255);
    assert!(nobody.stderr().contains("no machine is called nobody"), "{}", nobody.stderr());

    // One made anew has another key, and asks nothing.
    host.delete("big");
    let stopped = tool("/usr/bin/ssh", &["big.vm", "true"]).exits(255);
    assert!(stopped.stderr().contains("no machine is called big"), "{}", stopped.stderr());
    create(host);
    let again = tool("/usr/bin/ssh", &["big.vm", "true"]).ok();
    assert!(!again.stderr().contains("host key"), "{}", again.stderr());
    host.banger(["ssh-config", "--uninstall"]).run().ok();
}

#[test]
fn a_guest_with_systemd() {
    on_plain(|host| {
        create(host);
        host.also("ssh_and_scp", || ssh_and_scp(host));
        host.also("ssh_config_install", || ssh_config_install(host));
        host.also("stop_loses_nothing_with_a_dead_sshd", || {
            host.sh(
                "big",
                "systemctl mask --now ssh.service ssh.socket; rm /usr/sbin/sshd; pkill -x sshd; true",
            )
            .run()
            .ok();
            host.sh("big", "seq 200000 > /root/numbers; seq 200000 > /srv/numbers").run().ok();
            let stop = host.banger(["vm", "stop", "big"]).run().ok();
            assert!(!stop.stderr().contains("killed"), "{}", stop.stderr());
            host.banger(["vm", "start", "big"]).run().ok();
            host.sh("big", "seq 200000 | cmp - /root/numbers && seq 200000 | cmp - /srv/numbers").run().ok();
        });
        host.delete("big");
    });
}
