//! From start to stop, and what is still there afterwards.

use smoke::on_plain;

use crate::common::{life, on_one_guest};

#[test]
fn set_vcpu_seen_in_guest() {
    on_plain(life::set_vcpu_seen_in_guest);
}

#[test]
fn stop_loses_nothing() {
    on_plain(|host| on_one_guest(host, &[("stop_loses_nothing", life::stop_loses_nothing)]));
}

#[test]
fn restart_new_boot_id() {
    on_plain(|host| on_one_guest(host, &[("restart_new_boot_id", life::restart_new_boot_id)]));
}

#[test]
fn kill_signal() {
    on_plain(|host| on_one_guest(host, &[("kill_signal", life::kill_signal)]));
}

#[test]
fn prune_keeps_running() {
    on_plain(life::prune_keeps_running);
}
