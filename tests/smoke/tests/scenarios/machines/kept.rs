//! A machine that never came up is kept, and the message names its log.

use smoke::on_plain;

use super::images::tiny_root;

#[test]
fn kept_when_unreachable() {
    on_plain(|host| {
        host.with_guests();
        // A file system in order, whose blocks are larger than a page of any guest's: none can mount it.
        let (root, file) = (tiny_root(host), host.dir().join("home/broken.ext4"));
        let mkfs = host.program("/usr/sbin/mkfs.ext4").args(["-q", "-F", "-b", "65536", "-d"]);
        mkfs.args([root.display().to_string(), file.display().to_string(), "64M".to_owned()]).run().ok();
        host.banger(["image", "import", "broken.ext4"]).run().ok();
        let run = host.banger(["vm", "run", "--rm", "--name", "never", "--image", "broken", "--", "true"]);
        let output = run.run().exits(125);
        assert!(output.stderr().contains("banger vm logs never"), "{}", output.stderr());

        assert_eq!(host.names(), ["never"]);
        assert_eq!(host.vm("never")["state"], "error");
        let logs = host.banger(["vm", "logs", "never"]).run().ok();
        assert!(logs.stdout().contains("Linux version"), "{}", logs.stdout());
        host.banger(["vm", "delete", "never"]).run().ok();
    });
}
