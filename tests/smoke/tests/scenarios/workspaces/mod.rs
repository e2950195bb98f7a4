//! Repositories into machines and out of them, one file for each way.

mod inward;
mod kept;
mod outward;
mod repo;
mod shared;
