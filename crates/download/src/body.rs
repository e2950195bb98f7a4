//! Reads what a server sends, with the limits that hold from the first byte on.

use std::{
    io::{self, Read},
    time::Instant,
};

use crate::{Cause, Pace, agent, pace::Watch};

const BUFFER_BYTES: usize = 64 * 1024;

/// Hands each piece to `take`, up to `bytes_max` of them together; returns how many came.
pub(crate) fn read(
    body: &mut impl Read,
    bytes_max: u64,
    pace: Pace,
    mut take: impl FnMut(&[u8]) -> Result<(), Cause>,
) -> Result<u64, Cause> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut came_bytes = 0;
    let start = Instant::now();
    let mut watch = Watch::new(pace, start);
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => return Ok(came_bytes),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(cause(error, came_bytes)),
        };
        came_bytes += count as u64;
        if came_bytes > bytes_max {
            return Err(Cause::TooLong { bytes_max });
        }
        take(&buffer[..count])?;
        if !watch.is_fast_enough(count as u64, Instant::now()) {
            return Err(Cause::Slow { bytes_min: pace.window_bytes_min, secs: pace.window.as_secs() });
        }
    }
}

fn cause(error: io::Error, came_bytes: u64) -> Cause {
    match error.downcast::<ureq::Error>() {
        Ok(error) => agent::cause(error),
        Err(source) => Cause::Cut { came_bytes, source },
    }
}
