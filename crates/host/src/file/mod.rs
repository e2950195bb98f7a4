//! Files: read within bounds, changed whole, and the room that they take.

mod read;
mod room;
pub mod text_file;

pub use read::{read_bounded, read_text};
pub use room::{Room, disk_used};
