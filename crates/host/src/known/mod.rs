//! What is dear to find out of a host, and kept once it is known.

pub mod kvm;
mod remember;
pub mod tsc;
