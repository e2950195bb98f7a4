//! A guest with systemd: OpenSSH through the link and by its name, and stopping it whatever became of its sshd.

use smoke::on_plain;

use crate::common::{
    by_name::ssh_config_install,
    ssh::{an_open_ssh_session_is_counted, create, ssh_and_scp, stop_loses_nothing_with_a_dead_sshd},
};

#[test]
fn a_guest_with_systemd() {
    on_plain(|host| {
        let config = host.home().join(".ssh/config");
        create(host);
        host.also("ssh_and_scp", || ssh_and_scp(host));
        host.also("an_open_ssh_session_is_counted", || an_open_ssh_session_is_counted(host));
        host.also("ssh_config_install", || ssh_config_install(host, Some(&config)));
        host.also("stop_loses_nothing_with_a_dead_sshd", || stop_loses_nothing_with_a_dead_sshd(host));
        host.delete("big");
    });
}
