//! Ctrl-C, at every moment: nothing is left.

use std::{fs, path::Path};

use rustix::process::Signal;
use smoke::{Host, on_plain};

/// Interrupts `vm run --rm` as soon as it says `text`.
fn interrupted_at(host: &Host, text: &str) {
    let run = host.banger(["vm", "run", "--rm", "--image", "debian-small"]);
    let mut run = run.args(["--", "sh", "-c", "echo in the guest; sleep 600"]).start();
    run.wait_for_text(text);
    run.signal(Signal::INT);
    let output = run.finish().exits(130);
    assert_eq!(host.machines(), 0, "after an interruption at {text:?}: {}", output.stderr());
    let vms = fs::read_dir(host.dir().join("state/banger/vms")).into_iter().flatten().count();
    assert_eq!(vms, 0, "after an interruption at {text:?}");
}

#[test]
fn rm_after_ctrl_c() {
    on_plain(|host| {
        host.with_guests();
        for text in ["spec: ", "create disks", "boot", "in the guest"] {
            interrupted_at(host, text);
        }
    });
}

#[test]
fn ctrl_c_while_the_image_is_built() {
    on_plain(|host| {
        // Nothing is shared with this home: its first machine builds the image.
        interrupted_at(host, "build image debian-small");
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
