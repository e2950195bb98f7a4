//! Waiting for a condition.

use std::{
    thread,
    time::{Duration, Instant},
};

const TICK: Duration = Duration::from_millis(20);

/// Looks until `look` gives something or `limit` is over; returns what it gave.
pub fn wait_until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(TICK);
    }
}

/// Waits for a condition.
///
/// # Panics
///
/// Where it does not come true within `limit`; `what` says what was waited for.
#[track_caller]
pub fn wait_for(what: &str, limit: Duration, mut is_true: impl FnMut() -> bool) {
    let came = wait_until(limit, || is_true().then_some(()));
    assert!(came.is_some(), "waited {} s for: {what}", limit.as_secs());
}
