//! A guest with systemd: OpenSSH through the link, and stopping it whatever became of its sshd.

use std::fs;

use smoke::{Host, on_plain};

use crate::common::ssh::{create, ssh_and_scp, stop_loses_nothing_with_a_dead_sshd};

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
        host.also("stop_loses_nothing_with_a_dead_sshd", || stop_loses_nothing_with_a_dead_sshd(host));
        host.delete("big");
    });
}
