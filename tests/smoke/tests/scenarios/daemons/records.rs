//! What a daemon finds when it comes back: processes that are gone, numbers that are others' now, guests that
//! ended by themselves, a host that was booted.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command},
    time::Duration,
};

use rusqlite::Connection;
use rustix::process::Signal;
use smoke::{Host, on_plain, wait::wait_for};

use super::look::{Machine, Process, SMALL, boot, daemon, machine, settled, state};
use crate::common::reach;

const NAME: &str = "box";
/// A guest that powers off, on a busy host.
const OFF_LIMIT: Duration = Duration::from_mins(1);

/// A process that has nothing to do with any machine, nor with this home.
struct Stranger {
    child: Child,
    process: Process,
}

impl Stranger {
    fn start() -> Self {
        let child = Command::new("/bin/sleep").arg("900").env_clear().current_dir("/").spawn().unwrap();
        let process = Process::of(child.id().cast_signed()).unwrap();
        Self { child, process }
    }

    #[track_caller]
    fn assert_untouched(&self) {
        assert!(self.process.lives(), "a process that is not ours was ended");
    }

    /// The line that tells of it, as of a program that was started by the daemon.
    fn stat(&self) -> String {
        fs::read_to_string(format!("/proc/{}/stat", self.process.pid)).unwrap()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// Ends the machine's processes, as a crash or a boot of the host does.
fn crash(machine: &Machine) {
    let link = machine.link();
    machine.monitor.as_ref().unwrap().kill();
    // It may have ended with its monitor.
    if let Some(link) = link.filter(Process::lives) {
        let pid = rustix::process::Pid::from_raw(link.pid).unwrap();
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        wait_for("the link's end", OFF_LIMIT, || !link.lives());
    }
}

fn record(host: &Host, sql: &str) {
    let connection = Connection::open(state(host).join("state.db")).unwrap();
    let changed = connection.execute(sql, []).unwrap();
    assert_eq!(changed, 1, "{sql}");
}

/// Writes into the file in which a process says who it is.
fn identify(dir: &Path, file: &str, host_boot: &str, stat: &str) {
    fs::write(dir.join(file), format!("{}\n{stat}", host_boot.trim())).unwrap();
}

fn host_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap()
}

#[track_caller]
fn start_again_and_delete(host: &Host) {
    host.banger(["vm", "start", NAME]).run().ok();
    host.banger(["vm", "exec", NAME, "--", "true"]).run().ok();
    host.banger(["vm", "delete", NAME]).run().ok();
    assert_eq!(settled(host).len(), 0);
}

#[test]
fn stale_pid_not_adopted() {
    on_plain(|host| {
        let stranger = Stranger::start();
        let (pid, started) = (stranger.process.pid, stranger.process.started);
        boot(host.with_guests(), NAME);
        let before = machine(host, NAME);

        // The record names another, the machine itself still knows: it is found.
        daemon(host).unwrap().kill();
        record(host, &format!("UPDATE vms SET monitor_pid = {pid}, monitor_started_ticks = {started}"));
        let after = settled(host).remove(0);
        assert_eq!((after.state.as_str(), &after.monitor), ("running", &before.monitor));
        stranger.assert_untouched();

        // Its numbers were given to another after it was gone.
        daemon(host).unwrap().kill();
        crash(&before);
        let earlier = started - 1;
        record(
            host,
            &format!(
                "UPDATE vms SET monitor_pid = {pid}, monitor_started_ticks = {earlier}, link_pid = {pid}, link_started_ticks = {earlier}"
            ),
        );
        let stat = stranger.stat().replace(&format!(" {started} "), &format!(" {earlier} "));
        for file in ["monitor.id", "link.id"] {
            identify(&before.dir, file, &host_boot(), &stat);
        }
        let after = settled(host).remove(0);
        assert_eq!((after.state.as_str(), &after.monitor), ("error", &None));
        assert!(after.error.as_deref().unwrap_or_default().contains("ended unasked"), "{after:#?}");
        stranger.assert_untouched();
        start_again_and_delete(host);
        stranger.assert_untouched();
    });
}

#[test]
fn killed_while_the_daemon_was_down() {
    on_plain(|host| {
        boot(host.with_guests(), NAME);
        let before = machine(host, NAME);
        daemon(host).unwrap().kill();
        crash(&before);
        let after = settled(host).remove(0);
        assert_eq!(after.state, "error");
        assert!(after.error.as_deref().unwrap_or_default().contains("ended unasked"), "{after:#?}");
        assert!(!after.files().contains("link.sock") && !after.files().contains("serial.sock"), "{after:#?}");
        // Nothing of its last run is told as if it were of now.
        let told = host.banger(["vm", "exec", NAME, "--", "true"]).run().exits(125).stderr();
        assert!(told.contains("error"), "{told}");
        start_again_and_delete(host);
    });
}

#[test]
fn monitor_killed_under_the_daemon() {
    on_plain(|host| {
        boot(host.with_guests(), NAME);
        machine(host, NAME).monitor.unwrap().kill();
        wait_for("its end to be noticed", OFF_LIMIT, || machine(host, NAME).state == "error");
        let after = settled(host).remove(0);
        assert!(after.error.as_deref().unwrap_or_default().contains("signal 9"), "{after:#?}");
        start_again_and_delete(host);
    });
}

/// Lets the guest power itself off once `/tmp/now` is there.
const POWER_OFF: &str = "(while [ ! -e /run/now ]; do sleep 0.2; done; sync; echo o > /proc/sysrq-trigger) >/dev/null 2>&1 </dev/null &";

#[test]
fn a_guest_that_powers_itself_off_is_stopped() {
    on_plain(|host| {
        boot(host.with_guests(), NAME);
        let off = |script: &str| host.banger(["vm", "exec", NAME, "--", "sh", "-c", script]).run().ok();

        off(&format!("{POWER_OFF} touch /run/now"));
        wait_for("its end to be noticed", OFF_LIMIT, || machine(host, NAME).state == "stopped");
        let after = settled(host).remove(0);
        assert_eq!((after.state.as_str(), after.error), ("stopped", None));

        // Nobody looks.
        host.banger(["vm", "start", NAME]).run().ok();
        let monitor = machine(host, NAME).monitor.unwrap();
        off(&POWER_OFF.replace("while [ ! -e /run/now ]; do sleep 0.2; done", "sleep 5"));
        daemon(host).unwrap().kill();
        wait_for("the guest's end", OFF_LIMIT, || !monitor.lives());
        let after = settled(host).remove(0);
        assert_eq!((after.state.as_str(), after.error), ("stopped", None));
        start_again_and_delete(host);
    });
}

#[test]
fn host_reboot_marks_stopped() {
    on_plain(|host| {
        let stranger = Stranger::start();
        let (pid, started) = (stranger.process.pid, stranger.process.started);
        boot(host.with_guests(), NAME);
        let before = machine(host, NAME);
        daemon(host).unwrap().kill();
        crash(&before);
        // After the boot another process has the very numbers that were recorded before it.
        let other = "11111111-2222-4333-8444-555555555555";
        record(
            host,
            &format!(
                "UPDATE vms SET host_boot_id = '{other}', monitor_pid = {pid}, monitor_started_ticks = {started}, \
                 link_pid = {pid}, link_started_ticks = {started}"
            ),
        );
        for file in ["monitor.id", "link.id"] {
            identify(&before.dir, file, other, &stranger.stat());
        }
        let after = settled(host).remove(0);
        assert_eq!((after.state.as_str(), &after.error, &after.monitor), ("stopped", &None, &None));
        stranger.assert_untouched();
        start_again_and_delete(host);
        stranger.assert_untouched();
    });
}

#[test]
fn a_link_whose_port_somebody_has_is_started_once_that_is_free() {
    on_plain(|host| {
        let port = reach::free_port(host);
        let create = host.with_guests().banger(["vm", "create", "--name", NAME]).args(SMALL);
        create.args(["--publish", &format!("{port}:80")]).run().ok();
        let before = machine(host, NAME);
        let signal = |process: &Process, signal| {
            rustix::process::kill_process(rustix::process::Pid::from_raw(process.pid).unwrap(), signal)
                .unwrap();
        };
        // The daemon stands still until the port is somebody else's.
        let (daemon, link) = (daemon(host).unwrap(), before.link().unwrap());
        signal(&daemon, Signal::STOP);
        signal(&link, Signal::KILL);
        let listener = smoke::wait_until(OFF_LIMIT, || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
        signal(&daemon, Signal::CONT);
        let log = state(host).join("bangerd.log");
        wait_for("a try that fails", OFF_LIMIT, || {
            fs::read_to_string(&log).unwrap().contains("it runs without a link")
        });
        drop(listener.expect("the port that the link had"));
        wait_for("a session", OFF_LIMIT, || host.banger(["vm", "exec", NAME, "--", "true"]).run().code == 0);
        assert_eq!(machine(host, NAME).monitor, before.monitor, "it is the machine that it was");
        host.banger(["vm", "delete", NAME]).run().ok();
    });
}
