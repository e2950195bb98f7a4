//! Whether changes are let in: nobody's are while somebody holds them.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use api::{Code, Failure};
use tokio::sync::Notify;

use crate::failure::{Explained, failure};

/// A hold: a lease, so that a holder that is gone holds nobody up.
#[derive(Debug)]
struct Lease {
    holder: String,
    until: Instant,
}

/// Whether changes are let in, and how many are on their way.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    lease: Mutex<Option<Lease>>,
    changes: AtomicUsize,
    /// Told when a hold is released.
    released: Notify,
}

/// A change that was let in. A hold that begins meanwhile tells of it until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Change<'a> {
    changes: &'a AtomicUsize,
}

impl Holds {
    /// Begins a hold or makes it longer; it never becomes shorter. Returns how long it lasts from now.
    ///
    /// # Errors
    ///
    /// [`Code::InUse`] where another holds.
    pub(crate) fn hold(&self, holder: &str, length: Duration) -> Result<Duration, Failure> {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut until = now + length;
        if let Some(present) = lease.as_ref().filter(|lease| lease.until > now) {
            if present.holder != holder {
                return Err(others(present, now));
            }
            until = until.max(present.until);
        }
        *lease = Some(Lease { holder: holder.to_owned(), until });
        Ok(until - now)
    }

    /// Ends a hold. One that lapsed has ended.
    ///
    /// # Errors
    ///
    /// [`Code::InUse`] where it is another's.
    pub(crate) fn release(&self, holder: &str) -> Result<(), Failure> {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(present) = lease.as_ref().filter(|lease| lease.until > now && lease.holder != holder) {
            return Err(others(present, now));
        }
        *lease = None;
        self.released.notify_waiters();
        Ok(())
    }

    /// Lets a change in.
    ///
    /// # Errors
    ///
    /// [`Code::Held`] while somebody holds.
    pub(crate) fn enter(&self) -> Result<Change<'_>, Failure> {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(lease) = lease.as_ref().filter(|lease| lease.until > now) {
            let why = format!("change something: {} holds all changes for the moment", lease.holder);
            return Err(failure(Code::Held, why).hinted("Ask again; nothing was changed."));
        }
        // Counted under the lock: a hold that begins sees it, or it sees the hold.
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(Change { changes: &self.changes })
    }

    /// Lets a change in as soon as nobody holds, within `limit`: whoever is told to ask again does so later than it could.
    ///
    /// # Errors
    ///
    /// [`Code::Held`] where somebody holds for longer.
    pub(crate) async fn enter_within(&self, limit: Duration) -> Result<Change<'_>, Failure> {
        let until = Instant::now() + limit;
        loop {
            // Asked for first: a release between the look and the wait is not missed.
            let released = self.released.notified();
            match self.enter() {
                Err(_) if Instant::now() < until => {}
                entered => return entered,
            }
            let lapses =
                self.lease.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|lease| lease.until);
            let look_at = lapses.map_or(until, |lapses| lapses.min(until));
            tokio::time::timeout_at(look_at.into(), released).await.ok();
        }
    }

    /// How many changes were let in and are not done.
    pub(crate) fn changes(&self) -> usize {
        let _lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes.load(Ordering::Relaxed)
    }
}

fn others(lease: &Lease, now: Instant) -> Failure {
    let secs = (lease.until - now).as_secs() + 1;
    failure(Code::InUse, format!("hold changes: {} holds them for another {secs} s", lease.holder))
        .hinted("It ends by itself where its holder is gone.")
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.changes.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn while_one_holds_changes_and_other_holders_are_refused() {
        let holds = Holds::default();
        holds.hold("update", LONG).unwrap();
        assert_eq!(holds.enter().unwrap_err().code, Code::Held);
        for refused in [holds.hold("me", LONG).unwrap_err(), holds.release("me").unwrap_err()] {
            assert_eq!(refused.code, Code::InUse);
            assert!(refused.message.contains("update holds them for another 60 s"), "{refused}");
        }
        assert!(holds.hold("update", Duration::ZERO).unwrap() > Duration::from_secs(50), "never shorter");
        holds.release("update").unwrap();
        holds.release("update").unwrap();
        drop(holds.enter().unwrap());
        holds.hold("me", LONG).unwrap();
    }

    #[test]
    fn a_hold_that_is_not_renewed_lapses() {
        let holds = Holds::default();
        holds.hold("update", Duration::ZERO).unwrap();
        drop(holds.enter().unwrap());
        holds.hold("me", LONG).unwrap();
    }

    #[tokio::test]
    async fn a_change_waits_for_the_end_of_a_hold_and_not_for_longer_than_it_may() {
        let holds = Holds::default();
        holds.hold("update", LONG).unwrap();
        let (entered, released) = tokio::join!(holds.enter_within(LONG), async { holds.release("update") });
        released.unwrap();
        drop(entered.unwrap());
        holds.hold("update", LONG).unwrap();
        assert_eq!(holds.enter_within(Duration::ZERO).await.unwrap_err().code, Code::Held);
    }

    #[test]
    fn a_change_that_was_let_in_is_counted_until_it_is_done() {
        let holds = Holds::default();
        let change = holds.enter().unwrap();
        holds.hold("update", LONG).unwrap();
        assert_eq!(holds.changes(), 1);
        drop(change);
        assert_eq!(holds.changes(), 0);
    }
}
