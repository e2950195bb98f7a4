//! A unit that exists only while it runs, as a value.

use std::time::Duration;

use zbus::Variant;

/// What of a unit's processes is ended when it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KillMode {
    /// All of its control group.
    ControlGroup,
    /// The main process is asked; what is left of the group is then killed.
    Mixed,
    /// Only the main process.
    Process,
}

impl KillMode {
    fn word(self) -> &'static str {
        match self {
            Self::ControlGroup => "control-group",
            Self::Mixed => "mixed",
            Self::Process => "process",
        }
    }
}

/// Which devices a unit may open beyond those that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevicePolicy {
    /// `/dev/null` and its like.
    Closed,
    /// All.
    Auto,
}

impl DevicePolicy {
    fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Auto => "auto",
        }
    }
}

/// A device that a unit may open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAccess {
    /// The device's file, `/dev/kvm`, or a group of devices, `char-*`.
    pub device: String,
    /// Of `r` (read), `w` (write) and `m` (make a node).
    pub access: &'static str,
}

/// What a unit is kept from (systemd.exec(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It and what it starts never gain a privilege by executing something.
    NoNewPrivileges,
    /// `/usr`, `/boot` and `/etc` are read-only.
    ProtectSystemFull,
    /// Everything but `/dev`, `/proc` and `/sys` is read-only.
    ProtectSystemStrict,
    /// Homes are empty.
    ProtectHome,
    /// `/tmp` is its own.
    PrivateTmp,
    /// `/proc/sys`, `/sys` and their like are read-only.
    ProtectKernelTunables,
    /// It loads no kernel modules.
    ProtectKernelModules,
    /// It does not read the kernel's log.
    ProtectKernelLogs,
    /// It does not set the clock.
    ProtectClock,
    /// It does not change control groups.
    ProtectControlGroups,
    /// It does not set the host's name.
    ProtectHostname,
    /// It makes no file that gives its rights to others.
    RestrictSuidSgid,
    /// It takes no real-time scheduling.
    RestrictRealtime,
    /// Its personality stays.
    LockPersonality,
}

impl Guard {
    fn property(self) -> (&'static str, Variant<'static>) {
        match self {
            Self::NoNewPrivileges => ("NoNewPrivileges", true.into()),
            Self::ProtectSystemFull => ("ProtectSystem", "full".into()),
            Self::ProtectSystemStrict => ("ProtectSystem", "strict".into()),
            Self::ProtectHome => ("ProtectHome", "yes".into()),
            Self::PrivateTmp => ("PrivateTmp", true.into()),
            Self::ProtectKernelTunables => ("ProtectKernelTunables", true.into()),
            Self::ProtectKernelModules => ("ProtectKernelModules", true.into()),
            Self::ProtectKernelLogs => ("ProtectKernelLogs", true.into()),
            Self::ProtectClock => ("ProtectClock", true.into()),
            Self::ProtectControlGroups => ("ProtectControlGroups", true.into()),
            Self::ProtectHostname => ("ProtectHostname", true.into()),
            Self::RestrictSuidSgid => ("RestrictSUIDSGID", true.into()),
            Self::RestrictRealtime => ("RestrictRealtime", true.into()),
            Self::LockPersonality => ("LockPersonality", true.into()),
        }
    }
}

/// A service that exists only while it runs, and is started once ([`super::Systemd::start_transient`]).
///
/// Its start is done when its program is executed (`Type=exec`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransientUnit {
    /// Its name, with `.service`.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// The slice that it is in, with `.slice`.
    pub slice: String,
    /// The units that start after it and stop before it, also when the host goes down. It keeps what systemd knows of
    /// them, and not they what it knows of it: its own name is free once it has ended.
    pub before: Vec<String>,
    /// The program by its absolute path, and its arguments.
    pub exec_start: Vec<String>,
    /// What asks it to stop, before anything is killed; none if empty.
    pub exec_stop: Vec<String>,
    /// What runs once it has ended, however it did; none if empty.
    pub exec_stop_post: Vec<String>,
    /// How long it may run before it is stopped; for ever if none.
    pub run_limit: Option<Duration>,
    /// The directory that it runs in.
    pub working_dir: String,
    /// What is ended when it is stopped.
    pub kill_mode: KillMode,
    /// How long a stop may take, each step of it, before systemd goes on to the next.
    pub stop_limit: Duration,
    /// Whether what does not stop is killed.
    pub sends_sigkill: bool,
    /// Which devices it may open.
    pub device_policy: DevicePolicy,
    /// The devices beside those.
    pub devices: Vec<DeviceAccess>,
    /// Memory that it may hold.
    pub memory_max_bytes: Option<u64>,
    /// Processor time, in hundredths of one processor.
    pub cpu_quota_percent: Option<u32>,
    /// Its share of a busy processor, 1 to 10 000; others have 100.
    pub cpu_weight: Option<u64>,
    /// Processes and threads that it may have.
    pub tasks_max: Option<u64>,
    /// Descriptors that it may have open.
    pub open_files_max: Option<u64>,
    /// The file that its output is added to, by its absolute path; else the journal.
    pub output_file: Option<String>,
    /// The permission bits that files it makes do not have.
    pub umask: u32,
    /// What it is kept from.
    pub guards: Vec<Guard>,
}

impl TransientUnit {
    /// The properties in which systemd takes it.
    pub(super) fn properties(&self) -> Vec<(&'static str, Variant<'_>)> {
        let mut all: Vec<(&'static str, Variant<'_>)> = vec![
            ("Description", self.description.as_str().into()),
            ("Slice", self.slice.as_str().into()),
            ("Type", "exec".into()),
            ("ExecStart", command(&self.exec_start)),
            ("WorkingDirectory", self.working_dir.as_str().into()),
            ("KillMode", self.kill_mode.word().into()),
            ("TimeoutStopUSec", micros(self.stop_limit).into()),
            ("SendSIGKILL", self.sends_sigkill.into()),
            ("UMask", self.umask.into()),
            ("DevicePolicy", self.device_policy.word().into()),
        ];
        if !self.before.is_empty() {
            all.push(("Before", (&self.before).into()));
        }
        if !self.exec_stop.is_empty() {
            all.push(("ExecStop", command(&self.exec_stop)));
        }
        if !self.exec_stop_post.is_empty() {
            all.push(("ExecStopPost", command(&self.exec_stop_post)));
        }
        if let Some(limit) = self.run_limit {
            all.push(("RuntimeMaxUSec", micros(limit).into()));
        }
        if !self.devices.is_empty() {
            let devices: Vec<(&str, &str)> =
                self.devices.iter().map(|device| (device.device.as_str(), device.access)).collect();
            all.push(("DeviceAllow", devices.into()));
        }
        let limits = [
            ("MemoryMax", self.memory_max_bytes),
            ("CPUQuotaPerSecUSec", self.cpu_quota_percent.map(|percent| u64::from(percent) * 10_000)),
            ("CPUWeight", self.cpu_weight),
            ("TasksMax", self.tasks_max),
            ("LimitNOFILE", self.open_files_max),
        ];
        all.extend(limits.into_iter().filter_map(|(name, limit)| Some((name, limit?.into()))));
        if let Some(file) = &self.output_file {
            all.push(("StandardOutputFileToAppend", file.as_str().into()));
            all.push(("StandardErrorFileToAppend", file.as_str().into()));
        }
        all.extend(self.guards.iter().map(|guard| guard.property()));
        all
    }
}

/// One command, as systemd takes it: the program, all arguments with its name, and that failing counts.
fn command(argv: &[String]) -> Variant<'_> {
    let program = argv.first().map_or("", String::as_str);
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    vec![(program, argv, false)].into()
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sample() -> TransientUnit {
        TransientUnit {
            name: "banger-link-000102fdfeff.service".to_owned(),
            description: "machine web".to_owned(),
            slice: "banger.slice".to_owned(),
            before: vec!["banger-vm-000102fdfeff.service".to_owned()],
            exec_start: ["/opt/helper", "launch", "000102fdfeff"].map(str::to_owned).to_vec(),
            exec_stop: Vec::new(),
            exec_stop_post: Vec::new(),
            run_limit: None,
            working_dir: "/".to_owned(),
            kill_mode: KillMode::Mixed,
            stop_limit: Duration::from_secs(90),
            sends_sigkill: true,
            device_policy: DevicePolicy::Closed,
            devices: vec![DeviceAccess { device: "/dev/kvm".to_owned(), access: "rw" }],
            memory_max_bytes: Some(1 << 30),
            cpu_quota_percent: Some(250),
            cpu_weight: None,
            tasks_max: Some(512),
            open_files_max: None,
            output_file: Some("/var/log/x".to_owned()),
            umask: 0o077,
            guards: vec![Guard::NoNewPrivileges, Guard::ProtectSystemStrict],
        }
    }

    #[test]
    fn every_property_has_the_type_that_systemd_wants() {
        let unit = sample();
        let signatures: Vec<String> = unit
            .properties()
            .iter()
            .map(|(name, value)| format!("{name} {}", value.value_signature()))
            .collect();
        let expected = [
            "Description s",
            "Slice s",
            "Type s",
            "ExecStart a(sasb)",
            "WorkingDirectory s",
            "KillMode s",
            "TimeoutStopUSec t",
            "SendSIGKILL b",
            "UMask u",
            "DevicePolicy s",
            "Before as",
            "DeviceAllow a(ss)",
            "MemoryMax t",
            "CPUQuotaPerSecUSec t",
            "TasksMax t",
            "StandardOutputFileToAppend s",
            "StandardErrorFileToAppend s",
            "NoNewPrivileges b",
            "ProtectSystem s",
        ];
        assert_eq!(signatures, expected);
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let bare = TransientUnit {
            before: Vec::new(),
            exec_stop: vec!["/bin/true".to_owned()],
            devices: Vec::new(),
            memory_max_bytes: None,
            cpu_quota_percent: None,
            tasks_max: None,
            output_file: None,
            guards: Vec::new(),
            ..sample()
        };
        let names: Vec<&str> = bare.properties().iter().map(|(name, _)| *name).collect();
        assert!(names.contains(&"ExecStop"));
        for absent in ["Before", "DeviceAllow", "MemoryMax", "TasksMax", "StandardOutputFileToAppend"] {
            assert!(!names.contains(&absent), "{absent}");
        }
    }
}
