//! How much may be asked at once, and how long it may take.

use std::time::Duration;

/// The longest body of a call, in bytes. The longest that means something is a sweep of some 60 KB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The longest reply, in bytes: 4096 machines are some 2 MiB.
pub const REPLY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most machines that there may be, and that a sweep may keep.
pub const MACHINES_MAX: usize = 4096;

/// How long a path beneath the state directory may be, in bytes.
pub const PATH_BYTES_MAX: usize = 512;

/// Connections that have not said yet what they want. One more, and the oldest of them is closed.
pub const WAITING_MAX: usize = 64;

/// Calls that are worked on at once; more wait.
pub const CALLS_MAX: usize = 64;

/// How long a caller may take to send a whole call.
pub const CALL_LIMIT: Duration = Duration::from_secs(5);

/// How long a caller may take to read a reply.
pub const REPLY_WRITE_LIMIT: Duration = Duration::from_secs(10);

/// How much of a call's head is held in memory, in bytes.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long a reply may take. The slowest is a launch, whose monitor has half a minute to be there.
pub const REPLY_LIMIT: Duration = Duration::from_mins(3);
