//! Changes are held while an update is under way: a lease that is renewed while its driver lives.

use std::time::Duration;

use api::{HOLDER_UPDATE, Hold, client::Client};
use tokio::{runtime::Handle, task::JoinHandle};

/// How long a lease lasts without a renewal, in seconds: a driver that is gone blocks nobody for longer.
const LEASE_SECONDS: u64 = 10;
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(1);

/// A lease that is renewed until this is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    renewing: JoinHandle<()>,
}

/// What is asked of the daemon at each renewal.
pub(super) fn hold() -> Hold {
    Hold { holder: HOLDER_UPDATE.to_owned(), seconds: LEASE_SECONDS }
}

impl Lease {
    /// Renews from now on. A daemon that does not answer is asked again: one that starts on trial holds by itself.
    pub(super) fn renew(runtime: &Handle, client: Client) -> Self {
        let renewing = runtime.spawn(async move {
            loop {
                // Without an answer there is nobody whose changes could be held.
                client.hold(&hold()).await.ok();
                tokio::time::sleep(RENEW).await;
            }
        });
        Self { renewing }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}
