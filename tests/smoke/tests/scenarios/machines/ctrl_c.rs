//! Ctrl-C, at every moment: nothing is left.

use std::{fs, path::Path};

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
        // Nothing is shared with this home: its first machine builds the image.
        ctrl_c::interrupted_at(host, "build image debian-small");
        assert_eq!(vms(host), 0);
        let mut left = vec![];
        find_partial(&host.dir().join("state"), &mut left);
        assert!(left.is_empty(), "half made: {left:#?}");
    });
}

fn find_partial(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains("partial")) {
            found.push(path.display().to_string());
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_partial(&path, found);
        }
    }
}
