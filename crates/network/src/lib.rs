//! The network of system mode as a value: who has which address, what the host lets through, which names
//! are known. Nothing here touches the host; `host::net` carries a [`Plan`] out.
//!
//! | module           | decides                                                                      |
//! |------------------|------------------------------------------------------------------------------|
//! | `link`           | names and hardware addresses of interfaces                                   |
//! | `subnet`         | which piece of the private address space is ours                             |
//! | `uids`           | which user numbers are ours                                                  |
//! | `lease`          | what one machine has of both, and the book of all                            |
//! | `ruleset`        | the whole of our nftables tables                                             |
//! | `foreign`        | which rules of others stand in the way, and the one that lets us pass        |
//! | `names`          | the fenced block of `/etc/hosts`                                             |
//! | `resolver`       | which name servers a guest can use                                           |
//! | `plan`           | all of it together                                                           |

mod foreign;
mod lease;
mod link;
mod names;
mod plan;
mod resolver;
mod ruleset;
mod subnet;
mod uids;

pub use foreign::{Chain, Chains, ChainsError, Foreign, ForeignRule, ForwardFacts};
pub use lease::{Lease, LeaseError, Leases, LeasesError, TAP_PREFIX, TapName};
pub use link::{IfName, Mac};
pub use names::{with_block, without_block};
pub use plan::{HostFacts, Plan};
pub use resolver::{NameServers, name_servers};
pub use ruleset::{Peers, Ruleset, TABLE};
pub use subnet::{CANDIDATES, Overlap, Route, Subnet, SubnetChoice, choose_subnet};
pub use uids::{Accounts, UIDS, UidRange, UidRangeError, find_uids};
