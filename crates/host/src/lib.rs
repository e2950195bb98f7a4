//! The host: directories, processes, sockets, clocks, what it can do.
//!
//! | module       | acts on                                                                |
//! |--------------|------------------------------------------------------------------------|
//! | [`dirs`]     | where a user's banger keeps its things, and that nobody else is in there |
//! | [`boot`]     | which boot of the host this is                                         |
//! | [`process`]  | processes, told by number and start time, signalled through a descriptor |
//! | [`spawn`]    | processes that outlive the one that starts them                        |
//! | [`program`]  | programs on `PATH`                                                     |
//! | [`sockets`]  | unix sockets below paths of any length                                 |
//! | [`systemd`]  | units, over D-Bus; sockets that systemd hands in, and what it is told  |
//! | [`text_file`] | a text file of others, changed whole or not at all                    |
//! | [`capacity`] | processors, memory, file systems                                       |
//! | [`mod@file`] | files that others wrote                                                |
//! | [`block`]    | loop devices, and maps of the device mapper                            |
//! | [`tsc`]      | the rate of the time-stamp counter                                     |
//! | [`net`]      | the network of system mode                                             |
//! | [`kvm`]      | what is remembered of whether KVM truly works                          |

pub mod block;
pub mod boot;
pub mod capacity;
pub mod dirs;
pub mod file;
mod known;
pub mod net;
pub mod process;
pub mod program;
pub mod sockets;
pub mod spawn;
pub mod systemd;

pub use file::text_file;
pub use known::{kvm, tsc};
