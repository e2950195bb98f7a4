//! Repositories into machines and out of them, one file for each way.

mod all;
mod full;
mod inward;
mod kept;
mod killed;
mod outward;
mod repo;
mod sources;
mod tools;
mod trips;

pub(crate) use all::{with_git, without_git};
