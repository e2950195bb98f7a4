//! systemd: over D-Bus, starting, stopping and looking at units; and, as one of its services, the sockets that it
//! hands in ([`activation`]).
//!
//! Every call that makes a job waits for the end of that job, and tells how it ended. Nothing is asked of
//! a person: where rights are missing, a call is refused.

pub mod activation;
mod error;
mod manager;
mod status;
mod transient;

pub use self::{
    error::SystemdError,
    manager::{StartMode, Systemd, Whom},
    status::{ListedUnit, UnitStatus},
    transient::{DeviceAccess, DevicePolicy, Guard, KillMode, TransientUnit},
};
