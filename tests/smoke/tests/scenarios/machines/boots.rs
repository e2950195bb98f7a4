//! A guest that is reset before its kernel prints a word, as an emulated one was seen to be.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use smoke::{Host, on_plain};

/// A QEMU whose guest is reset at once, as often as a file beside it says.
const QEMU: &str = r#"#!/bin/sh
left=$(cat LEFT)
case "$*" in *-kernel*) ;; *) left=0 ;; esac
[ "$left" -gt 0 ] || exec qemu-system-x86_64 "$@"
echo $((left - 1)) > LEFT
qemu-system-x86_64 "$@" -S &
until [ -S serial.sock ]; do sleep 0.05; done
sleep 0.3
kill -9 $!
wait $! 2>/dev/null
exit 0
"#;

#[track_caller]
fn configure(host: &Host, left: &Path) {
    let qemu = host.dir().join("qemu");
    fs::write(&qemu, QEMU.replace("LEFT", &left.display().to_string())).unwrap();
    fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755)).unwrap();
    let dir = host.dir().join("config/banger");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("config.toml"), format!("qemu_bin = \"{}\"\n", qemu.display())).unwrap();
}

#[test]
fn a_guest_that_is_reset_without_a_word_is_booted_once_more() {
    on_plain(|host| {
        let left = host.dir().join("resets");
        let resets = |count: u8| fs::write(&left, format!("{count}\n")).unwrap();
        resets(0);
        configure(host, &left);
        let create = ["vm", "create", "--name", "box", "--image", "debian-small", "--no-start"];
        host.with_guests().banger(create).run().ok();

        resets(9);
        let failed = host.banger(["vm", "start", "box"]).run().exits(1).stderr();
        assert!(failed.contains("its monitor ended while it booted (Code(0))"), "{failed}");
        assert!(failed.contains("it is tried again") && failed.contains("`banger vm logs box`"), "{failed}");
        assert_eq!(fs::read_to_string(&left).unwrap().trim(), "7", "twice, and no more");
        assert_eq!(host.vm("box")["state"], "error");

        resets(1);
        let mut started = host.banger(["vm", "start", "box"]).run();
        if started.code != 0 {
            // The second try met what this is about.
            resets(1);
            started = host.banger(["vm", "start", "box"]).run();
        }
        let started = started.ok().stderr();
        assert!(started.contains("it is tried again"), "{started}");
        host.banger(["vm", "exec", "box", "--", "true"]).run().ok();
        let told = host.banger(["doctor"]).run().stdout();
        assert!(told.contains("did not come up and had to be tried again"), "{told}");
        host.delete("box");
    });
}
