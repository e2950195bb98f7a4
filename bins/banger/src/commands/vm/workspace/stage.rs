//! Where a copy lies in a guest until it is whole.

use std::time::Duration;

use guest::client::Connection;
use tokio::time::timeout;
use workspace::script;

use super::{GuestPath, scripts};
use crate::{
    fault::{Doing as _, Fault},
    session::{Held, hold},
};

/// How long a guest may take to clean up after a copy that came to nothing.
const DISCARD_LIMIT: Duration = Duration::from_secs(20);

/// A directory beside the place of a copy. As long as this is kept, a process of the guest says that it is in use; after
/// that, the next copy to there takes it away.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    guest: &'a Connection,
    held: Held,
}

impl<'a> Stage<'a> {
    /// Makes it, and takes away what killed ones left there.
    pub(super) async fn make(guest: &'a Connection, place: &GuestPath, doing: &str) -> Result<Self, Fault> {
        match hold(guest, script::STAGE, &[place.as_str()]).await.doing(doing)? {
            Ok(held) => Ok(Self { guest, held }),
            Err(ended) => Err(scripts::failed(&ended, doing)),
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.held.line
    }

    /// Takes it away. Nothing more can be done where this fails, too: the next copy does it.
    pub(super) async fn discard(self, doing: &str) {
        let path = [self.path()];
        let _ = timeout(DISCARD_LIMIT, scripts::ask(self.guest, script::DISCARD, &path, doing)).await;
    }
}
