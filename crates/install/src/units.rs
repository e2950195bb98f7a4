//! The text of the units, as functions of where a release lies and whose the install is.
//!
//! A release's own units name its own directory, so that a switch of releases takes effect when systemd
//! reads its units again, all at once. The sockets are the install's: they stay while releases change.

use std::path::Path;

use crate::owner::Owner;

/// A unit, and the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// The file's name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// The daemon's service.
pub const DAEMON: &str = "bangerd.service";
/// The daemon's socket.
pub const DAEMON_SOCKET: &str = "bangerd.socket";
/// The privileged helper's service.
pub const HELPER: &str = "bangerd-root.service";
/// The privileged helper's socket.
pub const HELPER_SOCKET: &str = "bangerd-root.socket";
/// Judges, before the services start, an update that the host went down in.
pub const UPDATE_RESUME: &str = "banger-update-resume.service";
/// Carries such an update on, once the services are up.
pub const UPDATE_TRIAL: &str = "banger-update-trial.service";
/// The slice of all machines.
pub const SLICE: &str = "banger.slice";

/// The units of a release that lies at `release`, as it is called on the host.
#[must_use]
pub fn of_release(release: &Path, owner: &Owner, has_kvm_group: bool) -> Vec<Unit> {
    vec![
        Unit { name: DAEMON, text: daemon(release, owner, has_kvm_group) },
        Unit { name: HELPER, text: helper(release) },
        Unit { name: SLICE, text: slice() },
    ]
}

/// The units of the install itself: the sockets, and what takes up an update after the host went down. `keeper` is the
/// link to the release that goes back, as it is called on the host.
#[must_use]
pub fn of_install(owner: &Owner, keeper: &Path, journal: &Path) -> Vec<Unit> {
    vec![
        Unit { name: UPDATE_RESUME, text: update_resume(keeper, journal) },
        Unit { name: UPDATE_TRIAL, text: update_trial(keeper, journal) },
        Unit { name: DAEMON_SOCKET, text: daemon_socket(owner) },
        Unit { name: HELPER_SOCKET, text: helper_socket(owner) },
    ]
}

fn daemon(release: &Path, owner: &Owner, has_kvm_group: bool) -> String {
    let program = escaped(&release.join("bangerd"));
    let groups = if has_kvm_group { "SupplementaryGroups=kvm\n" } else { "" };
    let Owner { user, uid, gid, .. } = owner;
    let user = user.replace(|char: char| char.is_control(), "?");
    format!(
        "\
[Unit]
Description=banger: machines of {description}
# Its socket comes first, and the helper's, which it knocks at. Ordered after the helper, so that where both
# are started again no new daemon meets the old helper.
Requires={DAEMON_SOCKET} {HELPER_SOCKET}
After={DAEMON_SOCKET} {HELPER_SOCKET} {HELPER}
# One that fails is started again for ever: with a limit it would take its socket down with it.
StartLimitIntervalSec=0

[Service]
Type=notify
# {user}
User={uid}
Group={gid}
{groups}ExecStart={program} --system
WorkingDirectory=/
# One that was asked to end stays away until the next knock at its socket.
Restart=on-failure
RestartSec=200ms
TimeoutStartSec=90s
TimeoutStopSec=45s
# Machines are not in here. What is, such as the build of an image, ends with it.
KillMode=mixed
UMask=0077
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# It opens none of the owner's files.
ProtectHome=yes
ProtectSystem=full
PrivateTmp=yes
# No more than this: images are built in user namespaces, which want newuidmap to be setuid and /proc and
# /sys to be whole. NoNewPrivileges, and every guard that brings it along, would take that away.

[Install]
WantedBy=multi-user.target
",
        description = escaped_text(&user),
    )
}

fn helper(release: &Path) -> String {
    let program = escaped(&release.join("bangerd-root"));
    format!(
        "\
[Unit]
Description=banger: privileged helper
Requires={HELPER_SOCKET}
# What empties the packet filter when it starts does so before our rules are there.
After={HELPER_SOCKET} nftables.service firewalld.service ufw.service docker.service
# One that fails is started again for ever: with a limit it would take its socket down with it.
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={program}
WorkingDirectory=/
Restart=on-failure
RestartSec=200ms
TimeoutStartSec=30s
# No signal of systemd's reaches anything but the main process. That one is asked to end, and then killed: one that
# stayed would be a second one at the socket.
KillMode=process
TimeoutStopSec=10s
OOMScoreAdjust=-500
# Stays when the helper ends: the machines' sockets are in there.
RuntimeDirectory=banger-root banger-vm
RuntimeDirectoryMode=0711
RuntimeDirectoryPreserve=yes
# Not strict, and no paths of its own: between two of those nothing can be linked. No ProtectClock=, which
# closes /dev/net/tun, no ProtectKernelTunables=: forwarding is switched on in /proc/sys, and no RestrictSUIDSGID=,
# under which there is no openat2(2), with which the owner's files are opened.
ProtectSystem=yes
ProtectHome=yes
PrivateTmp=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
# What it does to others it does with what is left: their files, their processes, the network.
CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_TIME CAP_SYSLOG CAP_SYS_PACCT CAP_SYS_TTY_CONFIG
CapabilityBoundingSet=~CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_AUDIT_WRITE CAP_WAKE_ALARM
CapabilityBoundingSet=~CAP_BLOCK_SUSPEND CAP_LEASE CAP_IPC_LOCK CAP_IPC_OWNER CAP_LINUX_IMMUTABLE CAP_NET_BROADCAST
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6
"
    )
}

fn update_resume(keeper: &Path, journal: &Path) -> String {
    let program = escaped(&keeper.join("banger"));
    let journal = escaped_text(&journal.to_string_lossy());
    format!(
        "\
[Unit]
Description=banger: judge of an interrupted update
ConditionPathExists={journal}
# It may turn the services back to the release before, so it comes before them. Nothing waits for it to succeed.
After=dbus.socket
Before={HELPER} {DAEMON}

[Service]
Type=oneshot
ExecStart={program} update --resume --before-services
TimeoutStartSec=90s

[Install]
WantedBy=multi-user.target
"
    )
}

fn update_trial(keeper: &Path, journal: &Path) -> String {
    let program = escaped(&keeper.join("banger"));
    let journal = escaped_text(&journal.to_string_lossy());
    format!(
        "\
[Unit]
Description=banger: trial of an interrupted update
ConditionPathExists={journal}
After={UPDATE_RESUME} {HELPER} {DAEMON}

[Service]
Type=exec
ExecStart={program} update --drive
# However that ended: what is not over then goes back.
ExecStopPost={program} update --resume
RuntimeMaxSec=10min
TimeoutStopSec=5min
KillMode=mixed

[Install]
WantedBy=multi-user.target
"
    )
}

fn slice() -> String {
    "\
[Unit]
Description=banger: machines
"
    .to_owned()
}

fn daemon_socket(owner: &Owner) -> String {
    format!(
        "\
[Unit]
Description=banger: the daemon's socket

[Socket]
ListenStream=/run/banger/bangerd.sock
FileDescriptorName=bangerd
SocketMode=0600
SocketUser={uid}
SocketGroup={gid}
DirectoryMode=0755
# A daemon that keeps failing does not take its socket down.
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
",
        uid = owner.uid,
        gid = owner.gid,
    )
}

fn helper_socket(owner: &Owner) -> String {
    format!(
        "\
[Unit]
Description=banger: the privileged helper's socket

[Socket]
ListenStream=/run/banger-root/bangerd-root.sock
FileDescriptorName=bangerd-root
SocketMode=0600
SocketUser={uid}
SocketGroup={gid}
DirectoryMode=0711
# A helper that keeps failing does not take its socket down.
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
",
        uid = owner.uid,
        gid = owner.gid,
    )
}

/// A path as a word of a command line of systemd's.
fn escaped(path: &Path) -> String {
    escaped_text(&path.to_string_lossy()).replace('$', "$$").replace(' ', "\\x20")
}

/// A text in which systemd finds no specifiers.
fn escaped_text(text: &str) -> String {
    text.replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn owner() -> Owner {
        Owner { user: "ann".to_owned(), uid: 1000, gid: 1001, home: "/home/ann".into() }
    }

    #[test]
    fn the_units_of_a_release_and_of_an_install() {
        let release = Path::new("/usr/local/lib/banger/releases/v1.2.3");
        let keeper = Path::new("/usr/local/lib/banger/keeper");
        let journal = Path::new("/var/lib/banger-root/update/journal");
        let mut text = String::new();
        for unit in
            of_release(release, &owner(), true).into_iter().chain(of_install(&owner(), keeper, journal))
        {
            writeln!(text, "==> {}\n{}", unit.name, unit.text).unwrap();
        }
        insta::assert_snapshot!("units", text);
    }

    #[test]
    fn without_a_group_kvm_the_daemon_is_not_in_it() {
        let text = daemon(Path::new("/r"), &owner(), false);
        assert!(!text.contains("SupplementaryGroups"));
        assert_eq!(daemon(Path::new("/r"), &owner(), true).replace("SupplementaryGroups=kvm\n", ""), text);
    }

    #[test]
    fn nothing_of_a_name_or_a_path_is_read_as_a_directive() {
        let owner = Owner { user: "a%n\nExecStart=/bin/sh".to_owned(), ..owner() };
        let text = daemon(Path::new("/a b/100%/$x"), &owner, false);
        let starts: Vec<&str> = text.lines().filter(|line| line.starts_with("ExecStart=")).collect();
        assert_eq!(starts, ["ExecStart=/a\\x20b/100%%/$$x/bangerd --system"]);
    }
}
