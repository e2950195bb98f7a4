//! Services whose programs misbehave: callers wait, one process serves at a time, and machines hear nothing of it.

use std::{
    env,
    time::{Duration, Instant},
};

use smoke::{
    Host, Running, on_service,
    wait::{wait_for, wait_until},
};

use crate::{
    bystander::Bystander,
    system::{install, main_pid, uninstall},
};

const LIMIT: Duration = Duration::from_mins(1);
/// How long a call is watched to wait.
const WAITS: Duration = Duration::from_secs(3);

/// The units' own limits are longer than a scenario can wait. `BANGER_SMOKE_LONG` leaves them as they are.
const SHORT: &str = "for unit in bangerd bangerd-root; do
        mkdir -p /run/systemd/system/$unit.service.d
        printf '[Service]\\nTimeoutStartSec=10s\\nTimeoutStopSec=2s\\n' >/run/systemd/system/$unit.service.d/short.conf
    done
    systemctl daemon-reload";
const NOT_SHORT: &str =
    "rm -r /run/systemd/system/bangerd.service.d /run/systemd/system/bangerd-root.service.d
    systemctl daemon-reload";

/// Tells systemd that it is ready, as a service does.
const READY: &str = "use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; \
    send($s, 'READY=1', 0, sockaddr_un($ENV{NOTIFY_SOCKET})) or die;";
/// Hears of no `SIGTERM`, and answers nobody.
const DEAF: &str = "$SIG{TERM} = 'IGNORE'; sleep 60 while 1;";

/// A service, its program, and a call that needs it.
struct Service {
    unit: &'static str,
    program: &'static str,
    call: [&'static str; 3],
}

/// The daemon gives back what a machine had through the helper, whether it ever ran or not.
const SERVICES: [Service; 2] = [
    Service { unit: "bangerd-root.service", program: "bangerd-root", call: ["vm", "delete", "spare"] },
    Service { unit: "bangerd.service", program: "bangerd", call: ["vm", "show", "one"] },
];

#[test]
fn a_helper_or_daemon_that_misbehaves_is_survived() {
    on_service(|host| {
        install(host);
        let one = Bystander::boot(host, "one");
        let is_short = env::var_os("BANGER_SMOKE_LONG").is_none();
        if is_short {
            host.root(["sh", "-c", SHORT]).run().ok();
        }
        let perl = |text: &str| format!("#!/usr/bin/perl\n{text}\n");
        for service in &SERVICES {
            for (how, text) in [
                ("exits_at_once", "#!/bin/sh\nexit 1\n".to_owned()),
                ("is_no_program", "no program\n".to_owned()),
                ("hangs_at_its_start", perl("sleep 60 while 1;")),
                ("hangs_at_its_start_and_is_deaf", perl(DEAF)),
            ] {
                host.also(&format!("{}_that_{how}", service.program), || {
                    one.assert_lives_through(how, || recovers(host, service, &text));
                });
            }
            host.also(&format!("{}_that_serves_and_is_deaf", service.program), || {
                one.assert_lives_through("deaf", || {
                    is_restarted(host, service, &perl(&format!("{READY} {DEAF}")));
                });
            });
        }
        if is_short {
            host.root(["sh", "-c", NOT_SHORT]).run().ok();
        }
        host.delete("one");
        uninstall(host);
    });
}

impl Service {
    fn path(&self) -> String {
        format!("/usr/local/lib/banger/current/{}", self.program)
    }

    /// Puts another file in the program's place, whole.
    fn replace(&self, host: &Host, text: &str) {
        let script =
            "set -e; cp -p \"$1\" \"$1.good\"; cat >\"$1.bad\"; chmod 755 \"$1.bad\"; mv \"$1.bad\" \"$1\"";
        host.root(["sh", "-c", script, "sh", &self.path()]).stdin(text).run().ok();
    }

    fn put_back(&self, host: &Host) {
        let path = self.path();
        host.root(["mv", &format!("{path}.good"), &path]).run().ok();
    }

    fn kill(&self, host: &Host) {
        host.systemctl(["kill", "--kill-whom=main", "-s", "KILL", self.unit]).run().ok();
    }

    /// The processes that are its program, good or bad.
    fn processes(&self, host: &Host) -> Vec<String> {
        let pattern =
            format!("^(/usr/bin/perl |/bin/sh )?/usr/local/lib/banger/[^ ]*/{}( --system)?$", self.program);
        let found = host.root(["pgrep", "-f", &pattern]).run();
        found.stdout().lines().map(str::to_owned).collect()
    }

    /// That one process serves, of the program that is installed.
    #[track_caller]
    fn assert_serves(&self, host: &Host) {
        let main = main_pid(host, self.unit);
        assert_eq!(self.processes(host), [&*main], "one process serves");
        let program = host.root(["readlink", &format!("/proc/{main}/exe")]).run().ok().stdout();
        assert!(program.trim().ends_with(self.program), "{program}");
        for socket in ["bangerd.socket", "bangerd-root.socket"] {
            assert_eq!(host.systemctl(["is-active", socket]).run().ok().stdout(), "active\n");
        }
    }
}

/// The program is another one when the service fails: who calls waits, and is answered once it is good again.
fn recovers(host: &Host, service: &Service, text: &str) {
    host.banger(["vm", "create", "--no-start", "--name", "spare", "--image", "debian-small"]).run().ok();
    host.banger(["vm", "list"]).run().ok();
    host.systemctl(["start", service.unit]).run().ok();
    service.replace(host, text);
    service.kill(host);
    let before = restarts(host, service);
    let call = host.banger(service.call).start();
    wait_for("two bad starts", LIMIT * 5, || {
        // A look takes a while: in one of them one may have followed the other.
        let looks = [service.processes(host), service.processes(host)];
        assert!(looks.iter().any(|processes| processes.len() <= 1), "one at a time: {looks:?}");
        restarts(host, service) >= before + 2
    });
    assert_waits(&call);
    service.put_back(host);
    let began = Instant::now();
    call.finish().ok();
    host.note(format!("answered {:.1} s after the good program was back", began.elapsed().as_secs_f32()));
    service.assert_serves(host);
    // The daemon's is the one that is only looked at.
    let _gone = host.banger(["vm", "delete", "spare"]).run();
    assert_eq!(host.names(), ["one"]);
}

#[track_caller]
fn assert_waits(call: &Running) {
    let said =
        wait_until(WAITS, || Some(call.so_far()).filter(|(out, err)| !out.is_empty() || !err.is_empty()));
    assert_eq!(said, None, "it was not to be answered");
}

fn restarts(host: &Host, service: &Service) -> u32 {
    let shown = host.systemctl(["show", "--property=NRestarts", "--value", service.unit]).run().ok().stdout();
    shown.trim().parse().unwrap()
}

/// One that says that it is ready and then hears nothing is replaced by a restart.
fn is_restarted(host: &Host, service: &Service, text: &str) {
    host.banger(["vm", "create", "--no-start", "--name", "spare", "--image", "debian-small"]).run().ok();
    host.systemctl(["start", service.unit]).run().ok();
    service.replace(host, text);
    service.kill(host);
    wait_for("the bad one", LIMIT, || {
        let state = host.systemctl(["show", "-P", "SubState", service.unit]).run().ok().stdout();
        state == "running\n" && service.processes(host) == [main_pid(host, service.unit)]
    });
    let call = host.banger(service.call).start();
    assert_waits(&call);
    service.put_back(host);
    let began = Instant::now();
    host.systemctl(["restart", service.unit]).run().ok();
    host.note(format!("a restart of a deaf {} in {:.1} s", service.program, began.elapsed().as_secs_f32()));
    service.assert_serves(host);
    call.finish().ok();
    let _gone = host.banger(["vm", "delete", "spare"]).run();
    assert_eq!(host.names(), ["one"]);
}
