//! The network of system mode, carried out: what [`network::Plan`] says becomes true of this host.
//!
//! All of it is done in the network namespace of the thread that asks, as root. Everything can be done
//! again: what is there already is left alone.
//!
//! | module       | acts on                                                     |
//! |--------------|-------------------------------------------------------------|
//! | `places`     | the files that all of this is about                         |
//! | `error`      | why something is not as it should be                        |
//! | `tool`       | `nft`, `iptables`, `ufw`                                    |
//! | `netlink`    | interfaces, addresses and routes, through the kernel's socket |
//! | `bridge`     | our bridge and its address                                  |
//! | `tap`        | taps: made, opened, removed                                 |
//! | `sysctl`     | forwarding, and what it was before                          |
//! | `nft`        | our tables                                                  |
//! | `foreign`    | the rules of ours in the tables of others                   |
//! | `hosts`      | `<name>.vm` in the hosts file                               |
//! | `resolver`   | the name servers of the host                                |
//! | `findings`   | what the host is like, before and after                     |
//! | `report`     | all of it, in order                                         |

mod bridge;
mod error;
mod findings;
mod foreign;
mod hosts;
mod netlink;
mod nft;
mod places;
mod report;
mod resolver;
mod sysctl;
mod tap;
mod tool;

pub use error::NetError;
pub use findings::{Finding, examine, facts};
pub use hosts::{HostsError, remove_names, write_names};
pub use places::Places;
pub use report::{Report, apply, remove};
pub use resolver::name_servers;
pub use tap::open_tap;
