//! The agent: serves one guest to its host, over the port that the link holds.

mod args;
mod carry;
mod device;
mod exec;
mod forward;
mod health;
mod heard;
mod http;
mod identity;
mod kept;
mod passwd;
mod ports;
mod poweroff;
mod reply;
mod route;
mod sessions;
mod ssh;
mod stats;
mod supervisor;
mod tcp;
mod tree;
mod vsock;
mod worker;

pub(crate) use identity::bring_up_loopback;
pub(crate) use supervisor::supervise;
pub(crate) use worker::work;
