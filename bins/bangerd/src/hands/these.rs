//! Whose hands they are, and what they do.

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use api::Failure;
use guest::Network;
use host::process::Process;
use model::{Publish, VmId};
use store::VmRecord;
use vmm::machine::{Found, Launched};

use super::{
    helper::Helper,
    own::{self, Own},
    start::Start,
};
use crate::failure::process_failed;

/// Who has machines' processes in hand.
#[derive(Debug)]
pub(crate) enum Hands {
    /// This daemon itself.
    Own(Own),
    /// The root helper.
    Helper(Helper),
}

impl Hands {
    /// Starts a machine's link and its monitor; both run and both listen when this returns.
    ///
    /// # Errors
    ///
    /// Nothing of the machine runs then.
    pub(crate) async fn launch(&self, vm: &VmRecord, start: &Start<'_>) -> Result<Launched, Failure> {
        match self {
            Self::Own(own) => own.launch(vm, start).await,
            Self::Helper(helper) => helper.launch(vm, start).await,
        }
    }

    /// Whether a root disk can be a snapshot that is laid over its image at each launch.
    pub(crate) async fn has_snapshots(&self) -> bool {
        match self {
            Self::Own(_) => false,
            Self::Helper(helper) => helper.has_snapshots().await,
        }
    }

    /// Starts the link of a machine that runs without one.
    ///
    /// # Errors
    ///
    /// No link runs then.
    pub(crate) async fn relink(&self, vm: &VmRecord, publish: &[Publish]) -> Result<Arc<Process>, Failure> {
        match self {
            Self::Own(own) => own.relink(vm, publish).await,
            Self::Helper(helper) => helper.relink(vm, publish).await,
        }
    }

    /// Sends a machine's monitor a signal, 1 to 31.
    ///
    /// # Errors
    ///
    /// It was not sent.
    pub(crate) async fn signal(&self, vm: &VmRecord, monitor: &Process, signal: i32) -> Result<(), Failure> {
        match self {
            Self::Own(_) => monitor.signal(signal).map(drop).map_err(|error| process_failed(&error)),
            Self::Helper(helper) => helper.signal(vm, signal).await,
        }
    }

    /// Finds what runs of a machine, recorded or not.
    ///
    /// # Errors
    ///
    /// It cannot be told; assume neither.
    pub(crate) async fn find(&self, vm: &VmRecord) -> Result<Found, Failure> {
        match self {
            Self::Own(own) => own.find(vm),
            Self::Helper(helper) => helper.find(vm).await,
        }
    }

    /// Finds what runs of each of these machines, in their order. The helper is asked once: a list of all is what it has to
    /// look through for one of them, too.
    pub(crate) async fn find_each(&self, vms: &[Arc<VmRecord>]) -> Vec<Result<Found, Failure>> {
        match self {
            Self::Own(own) => vms.iter().map(|vm| own.find(vm)).collect(),
            Self::Helper(helper) => helper.find_each(vms).await,
        }
    }

    /// Clears up after a monitor that has ended: its link ends by itself or is ended, what both left goes.
    ///
    /// # Errors
    ///
    /// The link cannot be ended, or something is left.
    pub(crate) async fn finish(&self, vm: &VmRecord, link: Option<&Process>) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.finish(vm, link).await,
            Self::Helper(helper) => helper.end(&vm.id).await,
        }
    }

    /// Kills what runs of a machine, and removes what it left. Ending what has ended is a success.
    ///
    /// # Errors
    ///
    /// Something cannot be ended or removed.
    pub(crate) async fn end(
        &self,
        vm: &VmRecord,
        monitor: Option<&Process>,
        link: Option<&Process>,
    ) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.end(vm, monitor, link).await,
            Self::Helper(helper) => helper.end(&vm.id).await,
        }
    }

    /// Gives back what a machine has of the host's, before its directory goes for good.
    ///
    /// # Errors
    ///
    /// Something of it is still held.
    pub(crate) async fn release(&self, id: &VmId) -> Result<(), Failure> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Helper(helper) => helper.release(id).await,
        }
    }

    /// Ends whatever runs in a directory that belongs to no machine, and removes it.
    ///
    /// # Errors
    ///
    /// It is there still.
    pub(crate) async fn discard(&self, dir: &Path) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.discard(dir).await,
            Self::Helper(helper) => helper.discard(dir).await,
        }
    }

    /// Gives back what is held for machines that are not among `keep`.
    ///
    /// # Errors
    ///
    /// Something of it is still held.
    pub(crate) async fn sweep(&self, keep: Vec<VmId>) -> Result<(), Failure> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Helper(helper) => helper.sweep(keep).await,
        }
    }

    /// The address by which the host reaches a machine, where it has one and that is known.
    pub(crate) fn address(&self, id: &VmId) -> Option<Ipv4Addr> {
        match self {
            Self::Own(_) => None,
            Self::Helper(helper) => helper.address(id),
        }
    }

    /// How machines reach the network, in words for people.
    pub(crate) async fn network_in_words(&self) -> String {
        match self {
            Self::Own(_) => "user".to_owned(),
            Self::Helper(helper) => helper.network_in_words().await,
        }
    }

    /// What a guest is told of its network.
    ///
    /// # Errors
    ///
    /// It has none, and cannot be given one.
    pub(crate) async fn network(&self, vm: &VmRecord) -> Result<Network, Failure> {
        match self {
            Self::Own(_) => Ok(own::network(vm.spec.nat)),
            Self::Helper(helper) => helper.network(vm).await,
        }
    }
}
