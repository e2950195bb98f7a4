//! How yamux is set at both ends.

use yamux::Config;

/// The most streams that one port carries at a time. A connection that meets a peer with more ends, so
/// the link stops well before it ([`crate::link::SESSIONS_MAX`]).
const STREAMS_MAX: usize = 1024;

/// The window of each stream, in bytes: yamux's own. A port has 112 MB/s and 0.6 ms, so a fraction of it
/// would do; a larger one would only cost memory.
const WINDOW_BYTES: usize = 256 * 1024;

/// The longest payload of a frame, in bytes: with its header it is one write to the port, of which the guest's
/// driver takes 32 KiB at a time.
pub(crate) const FRAME_BYTES_MAX: usize = 32 * 1024 - 16;

/// Both ends' settings.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    // In this order: each setter checks the other's value.
    config.set_max_connection_receive_window(None);
    config.set_max_num_streams(STREAMS_MAX);
    config.set_max_connection_receive_window(Some(STREAMS_MAX * WINDOW_BYTES));
    config.set_split_send_size(FRAME_BYTES_MAX);
    config
}
