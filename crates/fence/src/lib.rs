//! A block of ours in a text file of others, such as the hosts file or the configuration of ssh.
//!
//! Everything outside of the fence stays as it is, byte for byte: endings of lines, a missing one at the
//! end, whatever stands twice. Writing a block and taking it out again gives the same text.

mod block;
mod error;

pub use block::{Fence, Place};
pub use error::FenceError;
