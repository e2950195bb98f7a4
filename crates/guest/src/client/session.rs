//! An exec session.

use tokio_util::codec::Framed;

use super::GuestStream;
use crate::frame::FrameCodec;

/// The frames of a running command: a `Stream` of what it says and a `Sink` for what it is told.
///
/// The last frame from the guest is [`Frame::Ended`](crate::frame::Frame::Ended) or
/// [`Frame::NotStarted`](crate::frame::Frame::NotStarted). Dropping the session before that ends the
/// command: hang-up first, then kill.
pub type ExecSession = Framed<GuestStream, FrameCodec>;
