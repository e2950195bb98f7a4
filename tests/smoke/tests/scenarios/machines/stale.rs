//! Machines that nobody uses are stopped, where that was asked for.

use std::{
    fs,
    io::Read as _,
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use smoke::{Host, on_plain, wait::wait_for};

use crate::common::reach;

/// What the scenario calls stale, in seconds; what happens lasts twice as long.
const STALE_SECS: u64 = 15;
const LIMIT: Duration = Duration::from_mins(3);

fn state(host: &Host) -> String {
    host.vm("box")["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_machine_that_nobody_uses_is_stopped_and_one_in_use_is_not() {
    on_plain(|host| {
        let dir = host.dir().join("config/banger");
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("config.toml"), format!("auto_stop_stale_after = \"{STALE_SECS}s\"\n")).unwrap();
        let port = reach::free_port(host);
        let create = ["vm", "create", "--name", "box", "--image", "debian-small", "--publish"];
        host.with_guests().banger(create).args([format!("{port}:80")]).run().ok();
        let info = host.banger(["info"]).run().ok().stdout();
        assert!(
            info.lines().any(|line| line.starts_with("auto_stop_stale_after") && line.contains("15s")),
            "{info}"
        );

        // A session that says nothing is a use.
        let session = format!("sleep {}; echo written > /root/kept", 2 * STALE_SECS);
        host.sh("box", &session).run().ok();
        assert_eq!(state(host), "running", "a session was open all the time");

        // So is a connection to a port of it, over which nothing goes.
        let server = format!(
            "use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalPort => 80) or die; \
            my $c = $s->accept; sleep {}; print $c qq(over\\n)",
            2 * STALE_SECS
        );
        let serve = format!(
            "perl -e '{server}' > /dev/null 2>&1 & until grep -q ':0050 ' /proc/net/tcp; do sleep 0.1; done"
        );
        host.sh("box", &serve).run().ok();
        let mut said = String::new();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((&*said, &*state(host)), ("over\n", "running"), "somebody was connected all the time");

        // So is work, without a session. That it has ended is told on the console: a look would be a session.
        let work = format!(
            "timeout {} sh -c 'while :; do :; done'; echo work-is-done > /dev/console",
            2 * STALE_SECS
        );
        host.sh("box", &format!("({work}) > /dev/null 2>&1 &")).run().ok();
        let console = || host.banger(["vm", "logs", "box"]).run().ok().stdout();
        wait_for("the end of the work", LIMIT, || console().contains("work-is-done"));
        assert_eq!(state(host), "running", "it worked all the time");

        // Asking about it is none.
        wait_for("the machine to be stopped", LIMIT, || state(host) == "stopped");
        let log = fs::read_to_string(host.dir().join("state/banger/bangerd.log")).unwrap();
        assert!(log.contains("nobody uses it, and it is stopped"), "{log}");
        assert!(console().contains("reboot: Power down"), "it was asked to power off");
        host.banger(["vm", "start", "box"]).run().ok();
        assert_eq!(host.sh("box", "cat /root/kept").run().ok().stdout(), "written\n");
        host.delete("box");
        fs::remove_dir_all(dir).unwrap();
    });
}
