//! Images of all kinds, and both of the archive's kernels.

use smoke::{on_plain, skip};

use crate::common::images;

#[test]
fn image_import() {
    on_plain(images::image_import);
}

#[test]
fn kept_when_unreachable() {
    on_plain(images::kept_when_unreachable);
}

#[test]
fn promote() {
    on_plain(images::promote);
}

#[test]
fn both_kernels_boot() {
    on_plain(|host| {
        let list = host.with_guests().banger(["kernel", "list", "--json"]).run().ok().json();
        let text = |kernel: &serde_json::Value, key: &str| kernel[key].as_str().unwrap().to_owned();
        let kernels: Vec<_> = list["kernels"].as_array().unwrap().clone();
        if kernels.len() < 2 {
            skip!(host, "a second kernel in the archive");
        }
        for kernel in kernels {
            let (name, release) = (text(&kernel, "name"), text(&kernel, "release"));
            let run = host.banger(["-q", "vm", "run", "--rm", "--image", "debian-small", "--kernel", &name]);
            // The modules' disk belongs to the kernel that runs.
            let script = "uname -r && ls -d /lib/modules/$(uname -r)/kernel > /dev/null";
            let output = run.args(["--", "sh", "-c", script]).run().ok();
            assert_eq!(output.stdout(), format!("{release}\n"));
            host.note(format!("{release} in {:.1} s", output.took.as_secs_f32()));
        }
    });
}
