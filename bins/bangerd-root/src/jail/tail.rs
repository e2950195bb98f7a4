//! The end of a log that a machine's process wrote.

use std::{
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use rustix::fs::OFlags;

use super::build::open_in;

/// How much of a log is looked at, in bytes.
const TAIL_BYTES_MAX: u64 = 16 * 1024;

/// How much of it is repeated, in characters.
const SAID_CHARS_MAX: usize = 500;

/// What a log in a jail ends with, on one line; `None` if it says nothing.
#[must_use]
pub fn tail(jail: &Path, log: &str) -> Option<String> {
    let mut file = open_in(jail, log, OFlags::RDONLY).ok()?;
    let from = file.metadata().ok()?.len().saturating_sub(TAIL_BYTES_MAX);
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = vec![];
    file.take(TAIL_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let skip = line.chars().count().saturating_sub(SAID_CHARS_MAX);
    Some(line.chars().skip(skip).collect()).filter(|line: &String| !line.is_empty())
}
