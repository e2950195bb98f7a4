//! `launch`: from files that the owner named to a monitor and a link that run.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt, lchown, symlink},
    path::{Path, PathBuf},
    time::Duration,
};

use host::block::maps::Map;
use model::{Size, VmId};
use network::Lease;
use privileged::{Code, Launch, Launched, ProcessId, Refusal, Root};
use vm::layout::{LINK_LOG, MONITOR_LOG, PORTS, ROOT_SNAPSHOT, SERIAL_SOCKET, VSOCK_SOCKET};
use vmm::firecracker::chroot;

use super::{
    Helper,
    find::find_monitor,
    parts::{of_jail, of_launch, of_snapshot, of_units},
};
use crate::{
    jail::{BACKING, Files, Jail, JailError, Node, Sharing, State},
    launcher::{Monitor, RECORD, Record},
    net::Network,
    refuse::{chain, refusal},
    snapshot,
    units::{Part, UnitPlan, Units, unit_name},
};

/// How long a guest has to power off when its unit is stopped, before its monitor is ended.
const MONITOR_STOP_LIMIT: Duration = Duration::from_secs(90);
/// How long a link has to end.
const LINK_STOP_LIMIT: Duration = Duration::from_secs(10);
/// What a monitor may hold over its guest's memory: its own, translated code under emulation, and the host's
/// pages of its disks, of which it gets new ones.
const MONITOR_MEMORY: Size = Size::from_mib(1024);
/// What a link may hold, of which a few MiB are used, and take: it carries bytes, in one thread.
const LINK_MEMORY: Size = Size::from_mib(256);
const LINK_CPU_PERCENT: u32 = 200;
/// Devices that a monitor may open. The jailer makes nodes of them, the last where the host has it.
const DEVICES: [&str; 3] = ["/dev/kvm", "/dev/net/tun", "/dev/userfaultfd"];

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn launch(&self, launch: Launch) -> Result<Launched, Refusal> {
        let (id, doing) = (launch.id.clone(), format!("launch machine {}", launch.id));
        let _alone = self.locks.hold(&id).await;
        let lease = self.leased(&doing, &id).await?;
        // All that can be refused is looked at before anything is changed.
        let state = State::open(&self.places.state(), self.owner_uid);
        let files = state.and_then(|state| Files::open(&state, &launch));
        let files = files.map_err(|error| of_jail(&doing, &error))?;
        self.refuse_running(&doing, &id).await?;
        let record = self.record(&doing, launch, &lease).await?;
        let launched = match self.build(&doing, &record, &files) {
            Ok(root) => self.start(&doing, &record, root).await,
            Err(refusal) => Err(refusal),
        };
        if launched.is_err()
            && let Err(refusal) = self.end_units(&doing, &id).await
        {
            tracing::error!(machine = %id, "something of a launch runs on: {refusal}");
        }
        launched
    }

    async fn refuse_running(&self, doing: &str, id: &VmId) -> Result<(), Refusal> {
        for part in Part::BOTH {
            let standing = self.units.look(&unit_name(part, id)).await;
            if !standing.map_err(|error| of_units(doing, &error))?.is_down() {
                let message = format!("{doing}: its {} runs", part.what());
                return Err(Refusal::new(Code::WrongState, message).hinted("End it first."));
            }
        }
        Ok(())
    }

    async fn record(&self, doing: &str, launch: Launch, lease: &Lease) -> Result<Record, Refusal> {
        let monitor = find_monitor(doing, launch.monitor, self.settings(doing)?).await?;
        let mac = lease.mac.to_string().parse();
        Ok(Record {
            publish: launch.spec.publish.clone(),
            launch,
            uid: lease.uid,
            owner_uid: self.owner_uid,
            mac: mac
                .map_err(|error: privileged::RequestError| refusal(doing, &error, Code::Internal, None))?,
            tap: self.network.tap(lease),
            monitor: Monitor::from(monitor),
        })
    }

    /// Builds the jail, leaves the record in it, and makes the directory of the sockets. Returns the device that the
    /// root disk is, where it is one.
    fn build(&self, doing: &str, record: &Record, files: &Files) -> Result<Option<Map>, Refusal> {
        let id = &record.launch.id;
        let built = Jail::build(&self.places.jails(), id, record.uid, files);
        let jail = built.map_err(|error| of_jail(doing, &error))?;
        let bytes = serde_json::to_vec(record);
        let bytes = bytes.map_err(|error| refusal(doing, &error, Code::Internal, None))?;
        jail.write(RECORD, &bytes).map_err(|error| of_jail(doing, &error))?;
        let vsock = self.jailed_root(record);
        let root_disk = lay_root(doing, record, files)?;
        if let Some(root) = &vsock {
            let node = root_disk.as_ref().map(|map| Node { numbers: map.numbers, gid: record.uid });
            jail.make_chroot(root, files, node).map_err(|error| of_jail(doing, &error))?;
        }
        let links = self.places.link(id);
        let vsock = vsock.map(|root| root.join(VSOCK_SOCKET));
        make_links(&links, record.uid, vsock.as_deref()).map_err(|source| {
            of_jail(doing, &JailError::Unusable { what: links.display().to_string(), source })
        })?;
        Ok(root_disk)
    }

    /// What a machine's monitor sees as `/`, where it is jailed.
    fn jailed_root(&self, record: &Record) -> Option<PathBuf> {
        let id = &record.launch.id;
        match record.monitor.clone().into() {
            vmm::monitor::Monitor::Qemu(_) => None,
            vmm::monitor::Monitor::Firecracker(firecracker) => {
                Some(chroot(&self.places.chroots(id), &firecracker, id.as_str()))
            }
        }
    }

    async fn start(&self, doing: &str, record: &Record, root: Option<Map>) -> Result<Launched, Refusal> {
        // First the link: it takes the ports of the host, and if one is taken, nothing else need begin.
        let link = self.start_link(doing, &record.launch.id).await?;
        let monitor = self.start_monitor(doing, record, root.as_ref()).await?;
        if root.is_some()
            && let Err(error) = snapshot::let_go(&record.launch.id)
        {
            tracing::warn!(machine = %record.launch.id, "its root disk stays until it is ended: {}", chain(&error));
        }
        Ok(Launched { monitor, link })
    }

    /// Starts the link of a machine whose record says with what.
    pub(super) async fn start_link(&self, doing: &str, id: &VmId) -> Result<ProcessId, Refusal> {
        let plan = UnitPlan {
            name: unit_name(Part::Link, id),
            description: format!("banger: the link of machine {id}"),
            start: self.command("link", id),
            stop: vec![],
            // The guest is asked to power off through it, also when the host goes down. Said here: a monitor that is ordered
            // after its link keeps the name of one that has ended, and no other could be started beside it.
            before: vec![unit_name(Part::Monitor, id)],
            devices: vec![],
            stop_limit: LINK_STOP_LIMIT,
            memory_max_bytes: LINK_MEMORY.bytes(),
            cpu_percent_max: LINK_CPU_PERCENT,
        };
        self.units.start(&plan).await.map_err(|error| of_units(doing, &error))?;
        let ports = self.places.link(id).join(PORTS);
        self.ready(doing, id, (Part::Link, &ports, LINK_LOG)).await
    }

    async fn start_monitor(
        &self,
        doing: &str,
        record: &Record,
        root: Option<&Map>,
    ) -> Result<ProcessId, Refusal> {
        let id = &record.launch.id;
        let device = root.map(|map| map.device().display().to_string());
        let plan = UnitPlan {
            name: unit_name(Part::Monitor, id),
            description: format!("banger: machine {id}"),
            start: self.command("launch", id),
            stop: self.command("ask-to-stop", id),
            before: vec![],
            devices: DEVICES.map(str::to_owned).into_iter().chain(device).collect(),
            stop_limit: MONITOR_STOP_LIMIT,
            memory_max_bytes: record.launch.spec.memory.saturating_add(MONITOR_MEMORY).bytes(),
            // One more than its guest has: for disks, network and what else is not the guest's own work.
            cpu_percent_max: (u32::from(record.launch.spec.vcpus.get()) + 1) * 100,
        };
        self.units.start(&plan).await.map_err(|error| of_units(doing, &error))?;
        let socket = match self.jailed_root(record) {
            Some(root) => root.join(VSOCK_SOCKET),
            None => self.places.link(id).join(SERIAL_SOCKET),
        };
        self.ready(doing, id, (Part::Monitor, &socket, MONITOR_LOG)).await
    }

    fn command(&self, subcommand: &str, id: &VmId) -> Vec<String> {
        self.programs.helper.iter().cloned().chain([subcommand.to_owned(), id.to_string()]).collect()
    }

    /// The record of a machine that was launched.
    pub(super) fn recorded(&self, doing: &str, id: &VmId) -> Result<Record, Refusal> {
        Record::read(&self.places.jail(id)).map_err(|error| of_launch(doing, &error))
    }
}

/// Lays a root disk that is a snapshot over its image.
fn lay_root(doing: &str, record: &Record, files: &Files) -> Result<Option<Map>, Refusal> {
    let (Root::Snapshot { .. }, Some(image), Some(store)) =
        (&record.launch.root, files.get(BACKING), files.get(ROOT_SNAPSHOT))
    else {
        return Ok(None);
    };
    let opened = image.open(Sharing::Shared).and_then(|image| Ok((image, store.open(Sharing::Own)?)));
    let (image, store) = opened.map_err(|error| of_jail(doing, &error))?;
    let made = snapshot::make(&record.launch.id, &image, &store, record.launch.spec.system_overlay_size);
    made.map(Some).map_err(|error| of_snapshot(doing, &error))
}

/// Makes the directory of a machine's sockets, the machine's own, whatever was there before. A vsock's socket is
/// made in the monitor's jail: a link leads there, since the path would be too long for a socket (unix(7)).
fn make_links(dir: &Path, uid: u32, vsock: Option<&Path>) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    DirBuilder::new().mode(0o700).create(dir)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o711))?;
    if let Some(vsock) = vsock {
        symlink(vsock, dir.join(VSOCK_SOCKET))?;
    }
    // Last: from here on what is in there is the machine's to name.
    lchown(dir, Some(uid), Some(uid))
}
