//! `[[file_sync]]`: files of the host that every machine gets. A user's own file is the daemon's to read.

use std::fs;

use smoke::on_plain;

const CONFIG: &str = "[[file_sync]]
host = \"~/.note\"
guest = \"~/.note\"
[[file_sync]]
host = \"~/.tool\"
guest = \"/opt/deep/er/tool\"
mode = \"0755\"
[[file_sync]]
host = \"~/.nowhere\"
guest = \"/etc/nowhere\"
";

#[test]
fn files_of_the_host_are_put_into_a_machine_at_each_boot() {
    on_plain(|host| {
        let (dir, home) = (host.dir().join("config/banger"), host.home());
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.toml"), CONFIG).unwrap();
        fs::write(home.join(".note"), "first\n").unwrap();
        fs::write(home.join(".tool"), "#!/bin/sh\necho ran\n").unwrap();
        let create = ["vm", "create", "--name", "box", "--image", "debian-small"];
        let told = host.with_guests().banger(create).run().ok().stderr();
        assert!(told.contains(".nowhere is not put into box: "), "{told}");
        let look = "cat /root/.note && stat -c '%a %U' /root/.note /opt/deep/er/tool && /opt/deep/er/tool && \
            ls -A /etc/nowhere /opt/deep/er 2>/dev/null";
        let seen = || host.sh("box", look).run().stdout();
        let expected = |note: &str| format!("{note}\n600 root\n755 root\nran\n/opt/deep/er:\ntool\n");
        assert_eq!(seen(), expected("first"));
        let info = host.banger(["info"]).run().ok().stdout();
        let row = info.lines().find(|line| line.starts_with("file_sync")).unwrap();
        assert!(row.ends_with(&dir.join("config.toml").display().to_string()), "{info}");

        // What they are then counts, and not what the guest made of them.
        host.sh("box", "echo mine >>/root/.note && chmod 0777 /root/.note && rm /opt/deep/er/tool")
            .run()
            .ok();
        fs::write(home.join(".note"), "second\n").unwrap();
        fs::write(home.join(".nowhere"), "here now\n").unwrap();
        let told = host.banger(["vm", "restart", "box"]).run().ok().stderr();
        assert!(!told.contains("is not put into"), "{told}");
        assert_eq!(seen(), "second\n600 root\n755 root\nran\n/etc/nowhere\n\n/opt/deep/er:\ntool\n");
        host.sh("box", "grep -qx 'here now' /etc/nowhere").run().ok();
        host.delete("box");
        fs::remove_dir_all(dir).unwrap();
    });
}
