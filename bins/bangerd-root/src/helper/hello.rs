//! `hello`: what the helper is, and how it was told to work.

use privileged::{Code, Hello, RELEASE, Refusal};
use vmm::qemu::Qemu;

use super::Helper;
use crate::{net::Network, snapshot, units::Units};

impl<U: Units, N: Network> Helper<U, N> {
    pub(super) async fn hello(&self) -> Result<Hello, Refusal> {
        let wrong = |why: String| Refusal::new(Code::Internal, format!("hello: {why}"));
        let settings = self.settings("hello")?;
        let book = self.keeper.lock().await;
        let subnet = book.leases().map(network::Leases::subnet);
        let qemu_bin = settings.qemu_bin.clone();
        let monitor = tokio::task::spawn_blocking(move || Qemu::find(qemu_bin.as_deref()).ok()).await;
        Ok(Hello {
            version: RELEASE.parse().map_err(|error: model::ParseError| wrong(error.to_string()))?,
            owner_uid: self.owner_uid,
            snapshots: snapshot::works(&self.places.root_state()),
            bridge: interface("hello", settings.bridge.as_str())?,
            network: subnet.map(|subnet| (subnet.gateway(), subnet.prefix_len())),
            monitor: monitor
                .ok()
                .flatten()
                .map(|qemu| format!("{}: {}", qemu.program.display(), qemu.name())),
        })
    }
}

/// A name that was parsed once, in the words of the contract.
pub(super) fn interface(doing: &str, name: &str) -> Result<privileged::Interface, Refusal> {
    name.parse().map_err(|error: privileged::RequestError| {
        Refusal::new(Code::Failed, format!("{doing}: {error}"))
            .hinted("Set bridge_name in /etc/banger/config.toml to letters, digits and dashes.")
    })
}
