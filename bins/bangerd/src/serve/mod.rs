//! Contract ①, as the daemon answers it: one file for each group of requests.

mod accept;
mod body;
mod hold;
mod idempotency;
mod images;
mod import;
mod kernels;
mod operations;
mod reply;
mod router;
mod system;
mod vms;

pub(crate) use accept::{Listening, accept};
pub(crate) use router::router;
