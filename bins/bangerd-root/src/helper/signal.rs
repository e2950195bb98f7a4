//! `signal`: to a machine's monitor, and to nothing else.

use privileged::{Refusal, SignalMonitor, Signalled};

use super::{Helper, parts::of_units};
use crate::{
    net::Network,
    units::{Part, Units, unit_name},
};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn signal(&self, ask: &SignalMonitor) -> Result<Signalled, Refusal> {
        let doing = format!("send {} to machine {}", ask.signal, ask.id);
        self.leased(&doing, &ask.id).await?;
        let sent = self.units.signal(&unit_name(Part::Monitor, &ask.id), ask.signal.number()).await;
        Ok(Signalled { delivered: sent.map_err(|error| of_units(&doing, &error))? })
    }
}
