//! `banger update` of a user's own install.

mod embedded;
mod full;
mod own;
mod sweep;
