//! The helper: what all operations share.

use model::VmId;
use network::Lease;
use privileged::{Code, Refusal};

use super::locks::Locks;
use crate::{
    book::{BookError, Keeper},
    jail::JailError,
    launcher::LaunchError,
    net::{NetError, Network},
    places::Places,
    refuse::{code, refusal},
    settings::Settings,
    snapshot::SnapshotError,
    units::{Units, UnitsError},
};

/// The programs that units run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// This one, by a path that only root can change, and what goes before its subcommand.
    pub helper: Vec<String>,
}

/// The helper: the leases, the units, the network, and where everything lies.
#[derive(Debug)]
pub struct Helper<U, N> {
    pub(super) places: Places,
    pub(super) owner_uid: u32,
    pub(super) programs: Programs,
    pub(super) keeper: Keeper,
    pub(super) units: U,
    pub(super) network: N,
    pub(super) locks: Locks,
}

impl<U: Units, N: Network> Helper<U, N> {
    /// Reads the book, and makes what the leases say anew: the host may have been booted since.
    ///
    /// # Errors
    ///
    /// [`BookError`]; nothing is served without the book. A network that is not as it should be is only logged.
    pub async fn open(
        places: Places,
        owner_uid: u32,
        programs: Programs,
        (units, network): (U, N),
    ) -> Result<Self, BookError> {
        let keeper = Keeper::open(&places)?;
        let helper = Self { places, owner_uid, programs, keeper, units, network, locks: Locks::default() };
        if let Err(refusal) = helper.apply().await {
            tracing::error!("the network is not as it should be: {refusal}");
        }
        Ok(helper)
    }

    /// Makes the network what the book says.
    pub(super) async fn apply(&self) -> Result<(), Refusal> {
        let book = self.keeper.lock().await;
        match book.leases() {
            None => Ok(()),
            Some(leases) => {
                let settings = self.settings("set up the network")?;
                let applied = self.network.apply(&settings, leases).await;
                applied.map_err(|error| of_network("set up the network", &error))
            }
        }
    }

    /// What root was told, as its file says now.
    pub(super) fn settings(&self, doing: &str) -> Result<Settings, Refusal> {
        let read = Settings::read(&self.places.config());
        read.map_err(|error| refusal(doing, &error, code(error.class()), error.hint()))
    }

    /// A machine's lease.
    pub(super) async fn leased(&self, doing: &str, id: &VmId) -> Result<Lease, Refusal> {
        let lease = self.keeper.get(id).await;
        lease.ok_or_else(|| Refusal::new(Code::NoLease, format!("{doing}: machine {id} has no lease")))
    }
}

pub(super) fn of_units(doing: &str, error: &UnitsError) -> Refusal {
    refusal(doing, error, code(error.class()), error.hint())
}

pub(super) fn of_jail(doing: &str, error: &JailError) -> Refusal {
    refusal(doing, error, code(error.class()), error.hint())
}

pub(super) fn of_book(doing: &str, error: &BookError) -> Refusal {
    let code = match error {
        BookError::Uids { .. } | BookError::NoLease { source: network::LeaseError::Full { .. } } => {
            Code::Exhausted
        }
        other => code(other.class()),
    };
    refusal(doing, error, code, error.hint())
}

pub(super) fn of_network(doing: &str, error: &NetError) -> Refusal {
    refusal(doing, error, code(error.class), error.hint.clone())
}

pub(super) fn of_launch(doing: &str, error: &LaunchError) -> Refusal {
    refusal(doing, error, code(error.class()), None)
}

pub(super) fn of_snapshot(doing: &str, error: &SnapshotError) -> Refusal {
    refusal(doing, error, code(error.class()), error.hint())
}
