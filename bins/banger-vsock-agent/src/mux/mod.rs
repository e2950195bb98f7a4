//! What link and agent have in common: a port, a handshake, and many streams over it.

pub(crate) mod channel;
pub(crate) mod handshake;
pub(crate) mod port;
mod settings;

pub(crate) use settings::{FRAME_BYTES_MAX, config};
