//! System mode: monitor and link are units of systemd's, each machine's of a user of its own, and only the
//! root helper starts or signals them (contract ②).

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io,
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use api::{Code, Failure};
use guest::Network;
use host::process::{Process, ProcessId};
use model::{OpId, Publish, VmId};
use privileged::{
    Launch, Lease, LeaseAsk, MachineState, MonitorSignal, Relink, Root, SignalMonitor, StatePath, Unit,
    client::{Client, ClientError},
};
use store::VmRecord;
use vm::{
    boot_plan::{Accel, DiskFormat, Monitor},
    layout::{CONSOLE_LOG, LINK_LOG, METRICS, MONITOR_LOG},
};
use vmm::machine::{Found, Launched, Part};

use super::start::Start;
use crate::{
    failure::{chain, failure, from_error, process_failed},
    operations::current,
};

/// The way to the root helper, and the leases that it gave.
#[derive(Debug)]
pub(crate) struct Helper {
    client: Client,
    /// On whose behalf it is asked where no operation asks.
    daemon: OpId,
    state: PathBuf,
    leases: Mutex<BTreeMap<VmId, Lease>>,
    /// The bridge with its network, once that is chosen: for good, then.
    bridge: OnceLock<String>,
}

impl Helper {
    /// A daemon's way to the helper. `daemon` stands for the daemon's own work in the helper's log; `state` is
    /// the daemon's state directory.
    pub(crate) fn new(client: Client, daemon: OpId, state: PathBuf) -> Self {
        Self { client, daemon, state, leases: Mutex::default(), bridge: OnceLock::new() }
    }

    fn op(&self) -> OpId {
        current().unwrap_or_else(|| self.daemon.clone())
    }

    /// The address of a machine, as far as it was asked for.
    pub(super) fn address(&self, id: &VmId) -> Option<Ipv4Addr> {
        self.leases().get(id).map(|lease| lease.address)
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, BTreeMap<VmId, Lease>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn launch(&self, vm: &VmRecord, start: &Start<'_>) -> Result<Launched, Failure> {
        self.lease(vm).await?;
        make_logs(&self.state.join("vms").join(vm.id.as_str()))?;
        let launch = self.call(vm, start)?;
        let launched =
            self.client.launch(&self.op(), launch).await.map_err(|error| failed("start it", &error))?;
        let process = |id| process(id).and_then(|found| found.ok_or_else(ended_at_once)).map(Arc::new);
        Ok(Launched { monitor: process(launched.monitor)?, link: process(launched.link)? })
    }

    /// Whether the helper has made a snapshot. One that does not answer has made none.
    pub(super) async fn has_snapshots(&self) -> bool {
        match self.client.hello(&self.op()).await {
            Ok(hello) => hello.snapshots,
            Err(error) => {
                tracing::warn!("the helper does not say whether it makes snapshots: {}", chain(&error));
                false
            }
        }
    }

    fn call(&self, vm: &VmRecord, start: &Start<'_>) -> Result<Launch, Failure> {
        let facts = start.facts;
        let beneath = |file: &Path| {
            StatePath::beneath(&self.state, file)
                .map_err(|error| failure(Code::Internal, format!("start it: {}", chain(&error))))
        };
        let backing = || {
            let gone = || failure(Code::Failed, "start it: the image of its root disk is gone");
            beneath(start.backing.ok_or_else(gone)?)
        };
        let root = match facts.root_format {
            DiskFormat::Raw => Root::Raw {},
            DiskFormat::Qcow2 => Root::Qcow2 { backing: backing()? },
            DiskFormat::Snapshot => Root::Snapshot { backing: backing()? },
        };
        Ok(Launch {
            id: vm.id.clone(),
            spec: vm.spec.clone(),
            monitor: match facts.monitor {
                Monitor::Qemu => privileged::Monitor::Qemu,
                Monitor::Firecracker => privileged::Monitor::Firecracker,
            },
            accel: match facts.accel {
                Accel::Kvm => privileged::Accel::Kvm,
                Accel::Emulated => privileged::Accel::Emulated,
            },
            tsc_khz: facts.tsc_khz,
            kernel: beneath(&facts.kernel)?,
            initramfs: beneath(&facts.initramfs)?,
            modules_disk: facts.modules_disk.as_deref().map(beneath).transpose()?,
            root,
        })
    }

    pub(super) async fn relink(&self, vm: &VmRecord, publish: &[Publish]) -> Result<Arc<Process>, Failure> {
        let relink = Relink { id: vm.id.clone(), publish: publish.to_vec() };
        let link = self
            .client
            .relink(&self.op(), relink)
            .await
            .map_err(|error| failed("start its link", &error))?
            .link;
        process(link)?.map(Arc::new).ok_or_else(ended_at_once)
    }

    pub(super) async fn signal(&self, vm: &VmRecord, signal: i32) -> Result<(), Failure> {
        let signal = MonitorSignal::try_from(signal)
            .map_err(|error| failure(Code::BadRequest, format!("signal it: {}", chain(&error))))?;
        let asked = SignalMonitor { id: vm.id.clone(), signal };
        self.client.signal(&self.op(), asked).await.map(drop).map_err(|error| failed("signal it", &error))
    }

    pub(super) async fn find(&self, vm: &VmRecord) -> Result<Found, Failure> {
        self.found(vm, &self.machines().await?)
    }

    pub(super) async fn find_each(&self, vms: &[Arc<VmRecord>]) -> Vec<Result<Found, Failure>> {
        let machines = self.machines().await;
        vms.iter().map(|vm| self.found(vm, machines.as_ref().map_err(Clone::clone)?)).collect()
    }

    async fn machines(&self) -> Result<Vec<MachineState>, Failure> {
        let listed = self.client.machines(&self.op()).await;
        listed.map(|listed| listed.machines).map_err(|error| failed("look for it", &error))
    }

    fn found(&self, vm: &VmRecord, machines: &[MachineState]) -> Result<Found, Failure> {
        let Some(machine) = machines.iter().find(|machine| machine.lease.id == vm.id) else {
            return Ok(Found { monitor: Part::NotRecorded, link: Part::NotRecorded });
        };
        self.leases().insert(vm.id.clone(), machine.lease.clone());
        Ok(Found { monitor: part(machine.monitor)?, link: part(machine.link)? })
    }

    pub(super) async fn end(&self, id: &VmId) -> Result<(), Failure> {
        match self.client.end(&self.op(), id.clone()).await {
            Err(ClientError::Refused { refusal }) if refusal.code == privileged::Code::NoLease => Ok(()),
            ended => ended.map_err(|error| failed("end it", &error)),
        }
    }

    /// Gives back what a machine has of the host's.
    ///
    /// # Errors
    ///
    /// Something of it is still held.
    pub(crate) async fn release(&self, id: &VmId) -> Result<(), Failure> {
        self.leases().remove(id);
        self.client
            .release(&self.op(), id.clone())
            .await
            .map_err(|error| failed("give back what it had", &error))
    }

    pub(super) async fn discard(&self, dir: &Path) -> Result<(), Failure> {
        let id = dir.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
        if let Some(id) = id {
            self.release(&id).await?;
        }
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failure(Code::Failed, format!("remove {}: {error}", dir.display())))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn sweep(&self, keep: Vec<VmId>) -> Result<(), Failure> {
        let swept = self.client.sweep(&self.op(), keep).await;
        let swept = swept.map_err(|error| failed("give back what nobody has", &error))?;
        for id in &swept.released {
            tracing::warn!(%id, "something was held for it that is no machine, and is given back");
        }
        Ok(())
    }

    pub(super) async fn network(&self, vm: &VmRecord) -> Result<Network, Failure> {
        let lease = self.lease(vm).await?;
        Ok(Network {
            address: lease.address,
            prefix_len: lease.prefix_len,
            gateway: vm.spec.nat.then_some(lease.gateway),
            name_servers: if vm.spec.nat { lease.name_servers } else { vec![] },
        })
    }

    /// How machines reach the network, in words.
    pub(super) async fn network_in_words(&self) -> String {
        if let Some(words) = self.bridge.get() {
            return words.clone();
        }
        match self.ask_for_bridge().await {
            Ok(words) => self.bridge.get_or_init(|| words).clone(),
            Err(words) => words,
        }
    }

    async fn ask_for_bridge(&self) -> Result<String, String> {
        let hello = self.client.hello(&self.op()).await.map_err(|error| {
            format!("a bridge, of which the root helper does not tell: {}", chain(&error))
        })?;
        let bridge = hello.bridge;
        match hello.network {
            Some((host, bits)) => Ok(format!("bridge {bridge}, where this host is {host}/{bits}")),
            None => Err(format!("bridge {bridge}; its network is chosen with the first machine")),
        }
    }

    /// What only root sees.
    ///
    /// # Errors
    ///
    /// The helper does not answer.
    pub(crate) async fn facts(&self) -> Result<privileged::Facts, Failure> {
        self.client.facts(&self.op()).await.map_err(|error| failed("ask the helper", &error))
    }

    /// Makes bridge, taps, rules and names anew.
    ///
    /// # Errors
    ///
    /// Some of it is not as it should be still.
    pub(crate) async fn apply(&self) -> Result<(), Failure> {
        self.client.apply(&self.op()).await.map_err(|error| failed("set up the network", &error))
    }

    async fn lease(&self, vm: &VmRecord) -> Result<Lease, Failure> {
        let ask = LeaseAsk { id: vm.id.clone(), name: vm.name.clone(), nat: vm.spec.nat };
        let lease =
            self.client.lease(&self.op(), ask).await.map_err(|error| failed("give it a network", &error))?;
        self.leases().insert(vm.id.clone(), lease.clone());
        Ok(lease)
    }
}

/// The helper makes nothing in the owner's directories: what a machine's processes write to has to be there.
fn make_logs(dir: &Path) -> Result<(), Failure> {
    for name in [CONSOLE_LOG, MONITOR_LOG, LINK_LOG, METRICS] {
        let path = dir.join(name);
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        made.map_err(|error| failure(Code::Failed, format!("make {}: {error}", path.display())))?;
    }
    Ok(())
}

/// Finds a process that the helper named; `None` where it has ended already.
fn process(id: privileged::ProcessId) -> Result<Option<Process>, Failure> {
    let id = ProcessId { pid: id.pid, started_ticks: id.started_ticks };
    Process::find(id).map_err(|error| process_failed(&error))
}

fn part(unit: Unit) -> Result<Part, Failure> {
    let Some(id) = unit.process else {
        return Ok(Part::NotRecorded);
    };
    Ok(process(id)?.map_or(Part::Gone, |process| Part::Lives(Arc::new(process))))
}

fn ended_at_once() -> Failure {
    failure(Code::Guest, "run it: it ended at once")
}

fn failed(doing: &str, error: &ClientError) -> Failure {
    let told = from_error(doing, error, error.class(), error.hint());
    let ClientError::Refused { refusal } = error else { return told };
    match refusal.code {
        privileged::Code::Machine => Failure { code: Code::Guest, ..told },
        privileged::Code::Exhausted => Failure { code: Code::NoRoom, ..told },
        _ => told,
    }
}
