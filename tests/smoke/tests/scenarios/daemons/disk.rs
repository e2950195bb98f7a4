//! The daemon on a disk that takes nothing: it says so, loses nothing, and goes on when there is room.

use std::{fs, time::Duration};

use smoke::{Command, Host, on_plain, skip, wait::wait_for};

use super::look::{Process, SMALL, object, state};
use crate::small::Small;

const GONE_LIMIT: Duration = Duration::from_secs(20);

impl Small {
    fn banger(&self, host: &Host, args: &[&str]) -> Command {
        self.program(host, "banger").args(args)
    }

    /// Makes it read-only, or lets it be written again.
    #[track_caller]
    fn remount(&self, host: &Host, how: &str) {
        let options = format!("remount,bind,{how}");
        self.program(host, "mount").args(["-o", &options]).args([state(host)]).run().ok();
    }

    /// The daemon's process.
    #[track_caller]
    fn daemon(&self, host: &Host) -> Process {
        let status = object(&self.banger(host, &["daemon", "status", "--json"]).run().ok(), "daemon");
        Process::of(status["pid"].as_i64().unwrap().try_into().unwrap()).unwrap()
    }

    /// The state and the monitor of the only machine.
    #[track_caller]
    fn machine(&self, host: &Host) -> (String, Option<Process>) {
        let vms = object(&self.banger(host, &["vm", "list", "--json"]).run().ok(), "vms");
        let pid = vms[0]["monitor_pid"].as_i64().and_then(|pid| Process::of(pid.try_into().ok()?));
        (vms[0]["state"].as_str().unwrap().to_owned(), pid)
    }

    /// Names of all that is in the state directory.
    fn kept(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.seen).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Takes what room is left.
    fn fill(&self) {
        let block = vec![1; 1 << 16];
        let mut file = fs::File::create(self.seen.join("filler")).unwrap();
        for size in [1 << 16, 4096, 1] {
            while std::io::Write::write_all(&mut file, &block[..size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.seen.join("filler")).unwrap();
    }

    /// Deletes the machine and stops the daemon.
    #[track_caller]
    fn end(self, host: &Host) {
        self.banger(host, &["vm", "delete", "box"]).run().ok();
        let daemon = self.daemon(host);
        self.banger(host, &["daemon", "stop"]).run().ok();
        wait_for("the daemon's end", GONE_LIMIT, || !daemon.lives());
        assert!(!self.kept().contains(&"filler".to_owned()));
        assert_eq!(fs::read_dir(self.seen.join("vms")).unwrap().count(), 0);
    }
}

/// Holds a call to fail with words that a person understands.
#[track_caller]
fn fails(command: Command, words: &[&str]) {
    let output = command.run();
    let told = output.stderr();
    println!("code {}: {}", output.code, told.replace('\n', " | "));
    assert!([1, 5].contains(&output.code), "{output:?}");
    assert!(words.iter().any(|word| told.to_lowercase().contains(word)), "{told}");
    assert!(!told.contains("os error") && !told.contains("panicked"), "{told}");
    assert!(told.lines().filter(|line| !line.starts_with("spec: ")).count() == 2, "a hint: {told}");
    assert!(!told.contains("Error code"), "once is enough: {told}");
    assert!(output.took < Duration::from_secs(30), "it took {:?}", output.took);
}

const READ_ONLY: [&str; 3] = ["read-only", "read only", "readonly"];
const FULL: [&str; 4] = ["room", "no space", "is full", " mib free, and "];

#[test]
fn read_only_state_directory() {
    on_plain(|host| {
        if !rustix::process::geteuid().is_root() {
            skip!(host, "root");
        }
        let small = Small::new(host.with_guests(), "size=400m");
        small.banger(host, &["vm", "create", "--no-start", "--name", "box"]).args(SMALL).run().ok();
        let daemon = small.daemon(host);
        small.banger(host, &["daemon", "stop"]).run().ok();
        wait_for("the daemon's end", GONE_LIMIT, || !daemon.lives());
        let kept = small.kept();

        small.remount(host, "ro");
        fails(small.banger(host, &["vm", "list"]), &READ_ONLY);
        fails(small.banger(host, &["vm", "start", "box"]), &READ_ONLY);
        fails(small.program(host, "bangerd"), &READ_ONLY);
        assert_eq!(small.kept(), kept);

        small.remount(host, "rw");
        assert_eq!(small.machine(host), ("created".to_owned(), None));
        small.banger(host, &["vm", "start", "box"]).run().ok();
        assert_eq!(
            small.banger(host, &["vm", "exec", "box", "--", "echo", "up"]).run().ok().stdout(),
            "up\n"
        );
        small.end(host);
    });
}

#[test]
fn full_state_directory() {
    on_plain(|host| {
        if !rustix::process::geteuid().is_root() {
            skip!(host, "root");
        }
        let small = Small::new(host.with_guests(), "size=400m");
        small.banger(host, &["vm", "create", "--name", "box"]).args(SMALL).run().ok();
        let (_, monitor) = small.machine(host);

        // Under a daemon that runs: what cannot be recorded is not done, or is told.
        small.fill();
        fails(small.banger(host, &["vm", "create", "--no-start", "--image", "debian-small"]), &FULL);
        fails(small.banger(host, &["vm", "stop", "box"]), &FULL);
        let (state, now) = small.machine(host);
        assert_eq!(
            (state.as_str(), &now),
            ("running", &monitor),
            "a stop that cannot be recorded is not begun"
        );
        // A guest's write for which there is no room fails, and the guest goes on.
        let write = [
            "vm",
            "exec",
            "box",
            "--",
            "dd",
            "if=/dev/zero",
            "of=/root/big",
            "bs=1M",
            "count=8",
            "conv=fsync",
        ];
        let told = small.banger(host, &write).run();
        assert!(told.code == 1 && told.stderr().contains("/root/big"), "{told:?}");
        small.banger(host, &["vm", "exec", "box", "--", "true"]).run().ok();
        // Under one that is to start.
        small.daemon(host).kill();
        let output = small.banger(host, &["vm", "list"]).run();
        if output.code != 0 {
            assert!(FULL.iter().any(|word| output.stderr().contains(word)), "{}", output.stderr());
        }
        assert!(monitor.as_ref().unwrap().lives());

        small.free();
        assert_eq!(small.machine(host), ("running".to_owned(), monitor));
        small.banger(host, &["vm", "stop", "box"]).run().ok();
        small.banger(host, &["vm", "start", "box"]).run().ok();
        small.banger(host, &write).run().ok();
        small.end(host);
    });
}
