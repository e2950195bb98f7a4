//! The checks, one function each.

use model::{Check, Size};

use crate::{
    AgentFact, Facts, FirecrackerFact, HelperFact, KvmFact, MonitorFact, NamedFact, SocketFact, StoreFact,
    system::joined,
};

/// The oldest QEMU that is tested: Debian 12's.
const MONITOR_MIN: (u32, u32) = (7, 2);

/// What a first machine with its image and kernel takes.
const ROOM_GOOD: Size = Size::from_gib(10);
/// With less than this not even a machine of an image that is there can be made.
const ROOM_MIN: Size = Size::from_gib(1);

pub(crate) fn architecture(facts: &Facts) -> Check {
    let name = "architecture";
    match facts.architecture.as_str() {
        "x86_64" => Check::pass(name, "x86_64"),
        other => {
            Check::fail(name, other, "banger runs on x86_64 alone for now; `uname -m` says what this is.")
        }
    }
}

pub(crate) fn store(facts: &Facts) -> Check {
    match &facts.store {
        StoreFact::Usable { version } => Check::pass("store", format!("whole, of version {version}")),
        StoreFact::Unusable { why, hint } => Check::fail(
            "store",
            why,
            format!("{hint} `banger daemon stop` ends the daemon; machines run on."),
        ),
    }
}

pub(crate) fn monitor(facts: &Facts) -> Check {
    let name = "monitor";
    let install = "Install it: `sudo apt install qemu-system-x86`.";
    match &facts.monitor {
        MonitorFact::Missing { program } => Check::fail(name, format!("{program} is not installed"), install),
        MonitorFact::Broken { path, why } => {
            Check::fail(name, format!("{} does not say its version: {why}", path.display()), install)
        }
        MonitorFact::Found { path, version } => {
            let (major, minor) = version;
            let found = format!("QEMU {major}.{minor} at {}", path.display());
            if *version >= MONITOR_MIN {
                Check::pass(name, found)
            } else {
                Check::fail(name, found, "Install QEMU 7.2 or later: `sudo apt install qemu-system-x86`.")
            }
        }
    }
}

pub(crate) fn firecracker(facts: &Facts) -> Option<Check> {
    let name = "firecracker";
    match &facts.firecracker {
        FirecrackerFact::NotUsed => None,
        FirecrackerFact::Missing { why, hint, is_wanted: true } => Some(Check::fail(name, why, hint)),
        FirecrackerFact::Missing { why, hint, is_wanted: false } => {
            Some(Check::warn(name, format!("{why}: machines run under QEMU"), hint))
        }
        FirecrackerFact::Found { name: found, path, is_tried } => {
            let found = format!("{found} at {}", path.display());
            Some(if *is_tried {
                Check::pass(name, found)
            } else {
                Check::warn(
                    name,
                    format!("{found}: this release was not tried with that version"),
                    "Watch the first machines, or set vmm = \"qemu\" in /etc/banger/config.toml.",
                )
            })
        }
    }
}

pub(crate) fn kvm(facts: &Facts) -> Check {
    let name = "kvm";
    match &facts.kvm {
        KvmFact::Usable => Check::pass(name, "a kernel was booted with it"),
        KvmFact::NotTried => Check::pass(name, "not tried yet: the first start of a machine tells"),
        KvmFact::NotWanted => Check::warn(
            name,
            "the configuration says to emulate: machines are slow",
            "Take `accel` out of config.toml; `banger info` says where that is.",
        ),
        KvmFact::NotUsable { why } => Check::warn(
            name,
            format!("{why}: machines are emulated, and slow"),
            "Use a host with hardware virtualisation; `ls -l /dev/kvm` says whether this one shows any.",
        ),
    }
}

pub(crate) fn tools(facts: &Facts) -> impl Iterator<Item = Check> {
    facts.tools.iter().map(|tool| {
        let hint = format!("Install it: `sudo apt install {}`.", tool.package);
        let missing = format!("not installed; needed for {}", tool.needed_for);
        match &tool.path {
            Some(path) => Check::pass(tool.name, path.display().to_string()),
            None if tool.is_vital => Check::fail(tool.name, missing, hint),
            None => Check::warn(tool.name, missing, hint),
        }
    })
}

pub(crate) fn agent(facts: &Facts) -> Check {
    let name = "agent";
    let hint = "Install banger again, all four programs in one directory; `banger info` says where they are.";
    match &facts.agent {
        AgentFact::Missing { path } => Check::fail(name, format!("{} is not there", path.display()), hint),
        AgentFact::NotRunnable { path, why } => {
            Check::fail(name, format!("{} cannot be run: {why}", path.display()), hint)
        }
        AgentFact::Runs { version, wanted } if version != wanted => {
            Check::fail(name, format!("{version}, and the daemon is {wanted}"), hint)
        }
        AgentFact::Runs { version, .. } => Check::pass(name, version),
    }
}

pub(crate) fn image(facts: &Facts) -> Check {
    named("image", &facts.image, "banger image build", "Set default_image to one of `banger image list`.")
}

pub(crate) fn kernel(facts: &Facts) -> Check {
    named("kernel", &facts.kernel, "banger kernel pull", "Set default_kernel to one of `banger kernel list`.")
}

fn named(what: &'static str, fact: &NamedFact, make: &str, choose: &str) -> Check {
    let name = fact.name.as_deref();
    if fact.is_there {
        return Check::pass(what, name.unwrap_or("there"));
    }
    let found = match name {
        Some(name) => format!("the default {name} is not there"),
        None => "none is there".to_owned(),
    };
    if fact.can_be_made {
        let command = match name {
            Some(name) if what == "image" => format!("{make} {name}"),
            _ => make.to_owned(),
        };
        Check::warn(what, found, format!("The first machine makes it, or now: `{command}`."))
    } else {
        Check::fail(what, found, choose)
    }
}

pub(crate) fn room(facts: &Facts) -> Check {
    let name = "room";
    // Rounded down, so that it reads as a person writes it.
    let free = match facts.room.mib() {
        mib if mib >= 1024 => format!("{} GiB", mib / 1024),
        mib => format!("{mib} MiB"),
    };
    let found = format!("{free} free below {}", facts.state_dir.display());
    let hint = "`banger du` shows what takes room, and what could go.";
    if facts.room < ROOM_MIN {
        Check::fail(name, found, hint)
    } else if facts.room < ROOM_GOOD {
        Check::warn(name, found, hint)
    } else {
        Check::pass(name, found)
    }
}

pub(crate) fn socket(facts: &Facts) -> Check {
    a_socket("socket", &facts.socket, "banger daemon stop")
}

/// A socket, and the command that has it made again.
pub(crate) fn a_socket(name: &'static str, fact: &SocketFact, again: &str) -> Check {
    let hint = format!("Have it made again: `{again}`.");
    let SocketFact { path, owner, mode, uid } = fact;
    let path = path.display();
    match owner {
        None => Check::fail(name, format!("{path} is not there"), hint),
        Some(owner) if owner != uid => {
            Check::fail(name, format!("{path} belongs to user {owner}, not to user {uid}"), hint)
        }
        Some(_) if *mode != 0o600 => Check::fail(name, format!("{path} has mode {mode:04o}, not 0600"), hint),
        Some(_) => Check::pass(name, format!("{path}, mode 0600")),
    }
}

pub(crate) fn strays(facts: &Facts) -> Check {
    let name = "strays";
    let of_helper = match &facts.helper {
        HelperFact::Told(told) => &told.strays[..],
        HelperFact::NotWanted | HelperFact::Unreachable { .. } => &[],
    };
    let all: Vec<&str> = facts.strays.iter().chain(of_helper).map(String::as_str).collect();
    if all.is_empty() {
        return Check::pass(name, "nothing is left of machines that are no more");
    }
    let found = format!("no machine owns: {}", joined(all.into_iter()));
    Check::warn(name, found, "Remove it: `banger doctor --fix`.")
}

pub(crate) fn records(facts: &Facts) -> Check {
    let name = "records";
    if let Some(dir) = facts.lost.first() {
        let lines: Vec<String> =
            facts.lost.iter().map(|dir| format!("{} has disks of a machine", dir.display())).collect();
        let hint = format!(
            "Put back the database that has it, or where nobody wants the disks: `rm -r {}`.",
            dir.display()
        );
        let found = format!("no record is left: {}", joined(lines.iter().map(String::as_str)));
        return Check::warn(name, found, hint);
    }
    if facts.unsettled.is_empty() {
        return Check::pass(name, "they say of every machine what is found of it");
    }
    let found = joined(facts.unsettled.iter().map(String::as_str));
    Check::warn(name, found, "Settle it: `banger doctor --fix`.")
}

pub(crate) fn loops(facts: &Facts) -> Check {
    let name = "loops";
    let lines: Vec<String> =
        facts.loops.iter().map(|(device, file)| format!("{device} over {}", file.display())).collect();
    match facts.loops.first() {
        None => Check::pass(name, "no loop device is left over a file of ours"),
        Some((device, _)) => {
            let hint = format!("Let it go, where nobody uses it: `sudo losetup --detach {device}`.");
            Check::warn(name, joined(lines.iter().map(String::as_str)), hint)
        }
    }
}

pub(crate) fn boots(facts: &Facts) -> Check {
    let name = "boots";
    match facts.boots_retried {
        0 => Check::pass(name, "none had to be tried again"),
        count => Check::warn(
            name,
            format!("{count} did not come up and had to be tried again"),
            "Start fewer machines at once; `banger vm list` shows those that run.",
        ),
    }
}

pub(crate) fn logout(facts: &Facts) -> Check {
    let name = "logout";
    if facts.logout_kills {
        Check::warn(
            name,
            "logging out ends machines (KillUserProcesses=yes)",
            "Run `loginctl enable-linger` once, and `systemd-run --user --scope bangerd` before the first machine; \
             or set KillUserProcesses=no in /etc/systemd/logind.conf.",
        )
    } else {
        Check::pass(name, "machines live on after a logout")
    }
}
