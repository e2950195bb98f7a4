//! Repositories into machines of a system install and out of them: what every host can hold that has machines.

use smoke::{Host, on_service};

use crate::{
    common::workspaces::{with_git, without_git},
    system::{install, uninstall},
};

fn kill_daemon(host: &Host) {
    host.systemctl(["kill", "-s", "KILL", "bangerd.service"]).run().ok();
}

#[test]
fn guest_without_git_of_a_system_install() {
    on_service(|host| {
        install(host);
        without_git(host, kill_daemon);
        assert_eq!(host.owned_by_nobody(), [""; 0]);
        uninstall(host);
    });
}

#[test]
fn guest_with_git_of_a_system_install() {
    on_service(|host| {
        install(host);
        with_git(host);
        uninstall(host);
    });
}
