//! Images that machines are made of and become.

use std::time::Duration;

use smoke::{Host, wait::wait_for};

/// Makes `tiny-root` of a shell, `cat` and their libraries, taken from the host: no init, no /proc, no /etc.
const TINY_ROOT: &str = "set -e
    for program in /bin/sh /bin/cat; do
        for file in $program $(ldd $program | grep -o '/[^ ]*'); do
            mkdir -p tiny-root${file%/*}
            cp -L $file tiny-root$file
        done
    done";

/// An init that leads nowhere.
const DANGLING: &str = "set -e
    mkdir tiny-root/sbin
    ln -s /nowhere tiny-root/sbin/init
    tar -C tiny-root -cf dangling.tar .";

/// An init that nothing in it can interpret.
const USELESS: &str = "set -e
    rm tiny-root/sbin/init
    echo '#!/sbin/no-such-openrc' >tiny-root/sbin/init
    chmod 0755 tiny-root/sbin/init
    /usr/sbin/mkfs.ext4 -q -d tiny-root useless.ext4 32M";

/// A file system in order, whose blocks are larger than a page of any guest's: none can mount it.
const BROKEN: &str = "/usr/sbin/mkfs.ext4 -q -F -b 65536 -d tiny-root broken.ext4 64M";

/// Runs a script in the home.
pub(crate) fn at_home(host: &Host, script: &str) {
    host.program("/bin/sh").args(["-c", script]).run().ok();
}

/// Makes `tiny-root` in the home, a system that is a shell and `cat`.
pub(crate) fn tiny_root(host: &Host) {
    at_home(host, TINY_ROOT);
}

pub(crate) fn image_import(host: &Host) {
    host.with_guests();
    tiny_root(host);
    let run = |image: &str| {
        let run =
            host.banger(["-q", "vm", "run", "--rm", "--name", "t", "--memory", "512M", "--image", image]);
        run.args(["--", "/bin/cat", "/proc/1/cmdline", "/etc/hostname"]).run().ok().stdout()
    };
    at_home(host, DANGLING);
    host.banger(["image", "import", "--name", "dangling", "dangling.tar"]).run().ok();
    assert_eq!(run("dangling"), "/init\0t\n");

    at_home(host, USELESS);
    host.banger(["image", "import", "useless.ext4"]).run().ok();
    assert_eq!(run("useless"), "/init\0t\n");

    let list = host.banger(["image", "list"]).run().ok().stdout();
    assert!(list.contains("dangling") && list.contains("useless"), "{list}");
    host.banger(["image", "delete", "dangling", "useless"]).run().ok();
    at_home(host, "rm -r tiny-root dangling.tar useless.ext4");
}

/// A machine that never came up is kept, and the message names its log.
pub(crate) fn kept_when_unreachable(host: &Host) {
    host.with_guests();
    tiny_root(host);
    at_home(host, BROKEN);
    host.banger(["image", "import", "broken.ext4"]).run().ok();
    let run = host.banger(["vm", "run", "--rm", "--name", "never", "--image", "broken", "--", "true"]);
    let output = run.run().exits(125);
    assert!(output.stderr().contains("banger vm logs never"), "{}", output.stderr());

    assert_eq!(host.names(), ["never"]);
    assert_eq!(host.vm("never")["state"], "error");
    let logs = host.banger(["vm", "logs", "never"]).run().ok();
    assert!(logs.stdout().contains("Linux version"), "{}", logs.stdout());
    host.banger(["vm", "delete", "never"]).run().ok();
    host.banger(["image", "delete", "broken"]).run().ok();
    at_home(host, "rm -r tiny-root broken.ext4");
}

pub(crate) fn alpine_without_init(host: &Host) {
    // What the initramfs began with is pid 1 still, and takes in whom their parents left.
    assert_eq!(host.sh("box", "tr '\\0' ' ' < /proc/1/cmdline").run().ok().stdout(), "/init ");
    host.sh("box", "for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.1 &) done").run().ok();
    wait_for("the end of all orphans", Duration::from_secs(20), || {
        host.sh("box", "! ps -eo stat=,comm= | grep -e '^Z' -e sleep").run().code == 0
    });
}

pub(crate) fn promote(host: &Host) {
    host.start_small("model");
    host.sh("model", "echo promoted > /srv/mark").run().ok();
    // One that runs may still write.
    host.banger(["image", "promote", "model", "mine"]).run().exits(3);
    host.banger(["vm", "stop", "model"]).run().ok();
    host.banger(["image", "promote", "model", "mine"]).run().ok();
    host.banger(["vm", "delete", "model"]).run().ok();
    let run = host.banger(["-q", "vm", "run", "--rm", "--name", "copy", "--image", "mine"]);
    let output = run.args(["--", "sh", "-c", "cat /srv/mark; hostname"]).run().ok();
    assert_eq!(output.stdout(), "promoted\ncopy\n");
    host.banger(["image", "delete", "mine"]).run().ok();
}
