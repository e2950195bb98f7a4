//! How many scenarios may have guests at once.

use std::{
    fs::{self, File},
    thread,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::{place, wait::wait_until};

/// Longer than every scenario before it may take together.
const LIMIT: Duration = Duration::from_hours(1);

/// The right to boot guests. It goes with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Slot {
    _file: File,
}

/// Waits for one of the slots: one a processor, at most four.
pub(crate) fn take() -> Slot {
    let dir = place::smoke("slots");
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let taken = wait_until(LIMIT, || {
        (0..cores.clamp(1, 4)).find_map(|number| {
            let file = fs::File::create(dir.join(number.to_string())).ok()?;
            flock(&file, FlockOperation::NonBlockingLockExclusive).ok()?;
            Some(Slot { _file: file })
        })
    });
    taken.unwrap_or_else(|| panic!("no scenario gave up its guests within an hour"))
}
