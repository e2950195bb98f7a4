//! Firecracker: which one there is, and what it and its jailer are started with.

mod config;
mod find;
mod jailer;
mod metrics;
mod start;

pub use config::config;
pub use find::{Firecracker, FirecrackerError, FirecrackerVersion};
pub use jailer::{chroot, jailer_arguments};
pub use metrics::{METRICS_BYTES_MAX, trim_metrics};
pub(crate) use start::start;
