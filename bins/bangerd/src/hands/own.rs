//! Embedded mode: monitor and link are processes of the user's, in sessions of their own.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};

use api::{Code, Failure};
use guest::Network;
use host::{dirs::Dirs, process::Process};
use model::{BootId, Publish};
use store::VmRecord;
use vmm::{
    machine::{Found, Launch, Launched, MachineError},
    monitor::Monitor,
};

use super::start::Start;
use crate::failure::{failure, from_error};

// What every guest of QEMU's user-mode network has; each is alone on its own (QEMU, docs/system/devices/net.rst).
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const PREFIX_LEN: u8 = 24;
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 3);

/// This daemon's own hands.
#[derive(Debug)]
pub(crate) struct Own {
    /// Where the machines' directories are.
    pub(crate) dirs: Dirs,
    /// The agent binary, which is the link too.
    pub(crate) agent: PathBuf,
    /// The boot of the host.
    pub(crate) host_boot: BootId,
}

impl Own {
    pub(super) async fn launch(&self, vm: &VmRecord, start: &Start<'_>) -> Result<Launched, Failure> {
        let Monitor::Qemu(qemu) = start.monitor else {
            return Err(failure(Code::HostLacks, "run it: Firecracker needs the system mode"));
        };
        let dir = self.dirs.vm(&vm.id);
        let launch =
            Launch { dir: &dir, plan: start.plan, qemu, agent: &self.agent, host_boot: &self.host_boot };
        vmm::machine::launch(&launch).await.map_err(|error| failed(&error))
    }

    pub(super) async fn relink(&self, vm: &VmRecord, publish: &[Publish]) -> Result<Arc<Process>, Failure> {
        let dir = self.dirs.vm(&vm.id);
        let link = vmm::machine::relink(&dir, &self.agent, publish, &self.host_boot).await;
        link.map_err(|error| failed(&error))
    }

    pub(super) fn find(&self, vm: &VmRecord) -> Result<Found, Failure> {
        vmm::machine::find(&self.dirs.vm(&vm.id), &self.host_boot).map_err(|error| failed(&error))
    }

    pub(super) async fn finish(&self, vm: &VmRecord, link: Option<&Process>) -> Result<(), Failure> {
        vmm::machine::finish(&self.dirs.vm(&vm.id), link).await.map_err(|error| failed(&error))
    }

    pub(super) async fn end(
        &self,
        vm: &VmRecord,
        monitor: Option<&Process>,
        link: Option<&Process>,
    ) -> Result<(), Failure> {
        vmm::machine::end(&self.dirs.vm(&vm.id), monitor, link).await.map_err(|error| failed(&error))
    }

    pub(super) async fn discard(&self, dir: &Path) -> Result<(), Failure> {
        vmm::machine::discard(dir, &self.host_boot).await.map_err(|error| failed(&error))
    }
}

/// The network of a guest that is alone on it.
pub(super) fn network(reaches_outside: bool) -> Network {
    Network {
        address: ADDRESS,
        prefix_len: PREFIX_LEN,
        gateway: reaches_outside.then_some(GATEWAY),
        name_servers: if reaches_outside { vec![NAME_SERVER] } else { vec![] },
    }
}

fn failed(error: &MachineError) -> Failure {
    from_error("run it", error, error.class(), error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_nat_has_no_way_out() {
        assert_eq!(network(false).gateway, None);
        assert_eq!(network(true).gateway, Some(GATEWAY));
    }
}
