//! Ctrl-C, at every moment: nothing is left.

use std::fs;

use smoke::{Host, on_plain};

use crate::common::ctrl_c;

#[test]
fn rm_after_ctrl_c() {
    on_plain(|host| {
        ctrl_c::rm_after_ctrl_c(host);
        assert_eq!(vms(host), 0);
    });
}

fn vms(host: &Host) -> usize {
    fs::read_dir(host.dir().join("state/banger/vms")).into_iter().flatten().count()
}

#[test]
fn ctrl_c_while_the_image_is_built() {
    on_plain(|host| {
        // Nothing is shared with this home.
        ctrl_c::ctrl_c_while_the_image_is_built(host, &host.dir().join("state"));
        assert_eq!(vms(host), 0);
    });
}
