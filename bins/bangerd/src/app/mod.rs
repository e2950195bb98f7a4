//! What every part of the daemon reaches, with what is kept in memory alone.

mod accel;
mod busy;
mod firecracker;
mod holds;
mod monitor;
mod notebook;
mod replies;
mod room;
mod state;

pub(crate) use accel::{Accel, Known};
pub(crate) use busy::{Busy, NameClaim};
pub(crate) use holds::{Change, Holds};
pub(crate) use monitor::Monitor;
pub(crate) use replies::{Place, Replies, Stored};
pub(crate) use room::{RESERVE, check_room};
pub(crate) use state::App;
