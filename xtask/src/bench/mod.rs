//! `cargo xtask bench`: what docs/specification.md promises in figures.

mod figures;
mod judge;
mod row;
mod run;
mod size;

pub use row::{Measured, Row};
pub use run::run;
