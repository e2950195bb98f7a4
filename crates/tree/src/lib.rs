//! Trees of files as tar streams, as they go into guests and out of them: what the library would write in another way.

mod link;

pub use link::append_link;
