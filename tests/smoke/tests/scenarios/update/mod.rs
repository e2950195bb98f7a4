//! `banger update` of a user's own install.

mod embedded;
mod full;
mod museum;
mod own;
mod sweep;
