//! What this host takes for what the product promises in figures. `cargo xtask bench` judges it.

mod boots;
mod copy;
mod disks;
mod exec;
mod figures;
mod list;
mod run;
mod stage;
mod time;

pub use figures::measure;
