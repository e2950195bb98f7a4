//! Who has machines' processes in hand: this daemon in embedded mode, the root helper in system mode.
//!
//! A monitor is watched by whoever may look, which is everybody; only who runs it may start or signal it.

mod helper;
mod own;
mod start;
mod these;

pub(crate) use helper::Helper;
pub(crate) use own::Own;
pub(crate) use start::Start;
pub(crate) use these::Hands;
