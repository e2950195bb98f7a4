//! Contract ②: what `bangerd` asks of `bangerd-root`, over HTTP/1.1 and JSON on a unix socket.
//!
//! The list is closed: what is not in it, nobody can ask of root. Each is `POST /v1/<operation>`.
//!
//! | operation  | body → reply                          | asked twice                                       |
//! |------------|---------------------------------------|---------------------------------------------------|
//! | `hello`    | → [`Hello`]                           | the same                                          |
//! | `lease`    | [`LeaseAsk`] → [`Lease`]              | the same lease, with the newer name and reach     |
//! | `launch`   | [`Launch`] → [`Launched`]             | refused while the machine runs                    |
//! | `relink`   | [`Relink`] → [`Relinked`]             | another link in place of the first                |
//! | `signal`   | [`SignalMonitor`] → [`Signalled`]     | another signal                                    |
//! | `end`      | [`Machine`] → [`Nothing`]             | the same                                          |
//! | `release`  | [`Machine`] → [`Nothing`]             | the same                                          |
//! | `machines` | → [`Machines`]                        | the same                                          |
//! | `sweep`    | [`Sweep`] → [`Swept`]                 | the same                                          |
//! | `apply`    | → [`Nothing`]                         | the same                                          |
//! | `facts`    | → [`Facts`]                           | the same                                          |
//!
//! Each call names its release in [`VERSION_HEADER`] and the caller's operation in [`OPERATION_HEADER`]; the
//! operation is in the helper's log too. Both ends are of one release, or nothing is done: a helper of another
//! one refuses with [`Code::OtherRelease`]. A field that is not known is a refusal, on either side.
//!
//! Every reply that is no success is a [`Refusal`], and nothing was changed by what it refused unless its
//! message says so.

pub mod client;
mod error;
mod launch;
mod lease;
pub mod limits;
mod names;
mod path;
mod refusal;
mod reply;
mod request;
pub mod server;
mod signal;

pub use error::RequestError;
pub use launch::{Accel, Launch, Monitor, Root};
pub use lease::{Lease, LeaseAsk};
pub use names::{Interface, Mac};
pub use path::StatePath;
pub use refusal::{Code, Refusal};
pub use reply::{
    Facts, Hello, Launched, MachineState, Machines, NetworkFact, NetworkPart, ProcessId, Relinked, Reply,
    Signalled, Swept, UidRange, Unit, UnitState,
};
pub use request::{Machine, Nothing, Relink, Request, SignalMonitor, Sweep};
pub use signal::MonitorSignal;

/// The version of this contract, as it stands in every path.
pub const VERSION: &str = "v1";

/// The release that this was built as: `v1.2.3`. Both ends have the same.
pub const RELEASE: &str = model::RELEASE;

/// The header in which either end names its release.
pub const VERSION_HEADER: &str = "banger-version";

/// The header in which a caller names the operation on whose behalf it calls.
pub const OPERATION_HEADER: &str = "banger-operation";
