//! The link: beside each machine for its whole life, it offers the machine's one unix socket.

mod args;
mod publish;
mod run;
mod sessions;
mod socket;

pub(crate) use run::run;

/// The most sessions of one machine at a time; one more is closed at once.
pub(crate) const SESSIONS_MAX: usize = 256;
