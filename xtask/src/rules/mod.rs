//! The rules, one file each.

pub mod bans;
pub mod changelog;
pub mod decisions;
pub mod errors;
pub mod exit_codes;
pub mod layers;
pub mod modules;
pub mod ports;
pub mod purity;
pub mod root_crates;
pub mod sizes;
pub mod skips;
pub mod spec;
pub mod tidy;
