//! Who has which lease: one book, kept in one file, changed by one hand at a time.

mod error;
mod file;
mod keeper;

pub use error::BookError;
pub use keeper::{Book, Keeper, choose_uids};
