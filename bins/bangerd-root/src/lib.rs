//! The privileged helper: what only root may do for machines, and nothing else.
//!
//! | module       | does                                                                            |
//! |--------------|---------------------------------------------------------------------------------|
//! | [`places`]   | where everything of root's lies; none of it comes from a request                |
//! | [`settings`] | the keys of `/etc/banger/config.toml` that root acts on                         |
//! | [`book`]     | who has which lease, kept in one file                                           |
//! | [`jail`]     | carries what the owner named, by descriptor, into a tree that only root writes  |
//! | [`snapshot`] | root disks that the device mapper lays over an image                            |
//! | [`units`]    | the two units of a machine                                                      |
//! | [`net`]      | bridge, taps, rules and names, all from the leases                              |
//! | [`helper`]   | the operations of contract ②, one file each                                     |
//! | [`launcher`] | what a unit runs: from root to the machine's own user, then the program         |
//! | [`program`]  | the command line, the log, the listening                                        |

pub mod book;
pub mod helper;
pub mod jail;
pub mod launcher;
pub mod net;
pub mod places;
pub mod program;
mod refuse;
pub mod settings;
pub mod snapshot;
mod trusted;
pub mod units;
