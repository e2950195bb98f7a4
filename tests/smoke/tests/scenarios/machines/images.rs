//! Images of all kinds, and both of the archive's kernels.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use smoke::{Host, on_plain, skip};

use crate::common::images;

/// A root of a shell, `cat` and their libraries, taken from this host: no init, no /proc, no /etc.
pub(super) fn tiny_root(host: &Host) -> PathBuf {
    let root = host.dir().join("home/tiny-root");
    for name in ["bin/sh", "bin/cat"] {
        put(&root, &format!("/{name}"));
        let needed = host.program("/usr/bin/ldd").args([format!("/{name}")]).run().ok().stdout();
        for word in needed.split_whitespace().filter(|word| word.starts_with('/')) {
            put(&root, word);
        }
    }
    root
}

fn put(root: &Path, path: &str) {
    let to = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(path, to).unwrap();
}

/// Makes a tar of a root; returns its path.
pub(super) fn tar(host: &Host, root: &Path, name: &str) -> String {
    let file = host.dir().join(format!("home/{name}.tar"));
    let (root, file) = (root.display().to_string(), file.display().to_string());
    host.program("/usr/bin/tar").args(["-C", &root, "-cf", &file, "."]).run().ok();
    file
}

#[test]
fn image_import() {
    on_plain(|host| {
        host.with_guests();
        let root = tiny_root(host);
        fs::create_dir_all(root.join("sbin")).unwrap();
        let init = root.join("sbin/init");
        let run = |image: &str| {
            let run =
                host.banger(["-q", "vm", "run", "--rm", "--name", "t", "--memory", "512M", "--image", image]);
            run.args(["--", "/bin/cat", "/proc/1/cmdline", "/etc/hostname"]).run().ok().stdout()
        };
        // A tar, with an init that leads nowhere.
        symlink("/nowhere", &init).unwrap();
        host.banger(["image", "import", "--name", "dangling", &tar(host, &root, "one")]).run().ok();
        assert_eq!(run("dangling"), "/init\0t\n");

        // An ext4 file, with an init that nothing here can interpret.
        fs::remove_file(&init).unwrap();
        fs::write(&init, "#!/sbin/no-such-openrc\n").unwrap();
        fs::set_permissions(&init, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let (file, dir) = (host.dir().join("home/useless.ext4"), root.display().to_string());
        let mkfs = host.program("/usr/sbin/mkfs.ext4").args(["-q", "-d", &dir]);
        mkfs.args([file.display().to_string(), "32M".to_owned()]).run().ok();
        host.banger(["image", "import", "useless.ext4"]).run().ok();
        assert_eq!(run("useless"), "/init\0t\n");

        let list = host.banger(["image", "list"]).run().ok().stdout();
        assert!(list.contains("dangling") && list.contains("useless"), "{list}");
        host.banger(["image", "delete", "dangling", "useless"]).run().ok();
    });
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
